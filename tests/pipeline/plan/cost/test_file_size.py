from __future__ import annotations

import pytest

from brandpress.pipeline.plan.cost.file_size import BYTES_PER_PIXEL, bytes_per_pixel
from brandpress.pipeline.plan.cost.samples import samples_of
from brandpress.pipeline.spec.output_name import EXTENSIONS
from tests.pipeline.plan.cost.sizes import record
from tests.pipeline.plan.keys import model


def test_files_are_as_large_as_earlier_ones_of_the_format() -> None:
    samples = samples_of([record(bytes=2**20 * factor) for factor in (1, 2, 3, 4, 5)], model(), {})
    spread, measured = bytes_per_pixel("png", samples)
    assert measured
    assert (spread.low, spread.expected, spread.high) == (2, 3, 4)
    assert bytes_per_pixel("jpeg", samples) == (BYTES_PER_PIXEL["jpeg"], False)


@pytest.mark.parametrize("format", EXTENSIONS)
def test_every_format_has_a_usual_size(format: str) -> None:
    assert bytes_per_pixel(format, ())[0].expected > 0
