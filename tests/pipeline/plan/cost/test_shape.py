from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from brandpress.pipeline.plan.cost.shape import PictureShape, recorded_shape, shape_of, tokens_of
from tests.pipeline.deliver.records import variant
from tests.pipeline.plan.cost.sizes import record
from tests.pipeline.plan.keys import model

SIZES = {"a" * 64: (1024, 1024), "b" * 64: (500, 300)}
MEGAPIXEL = 1 << 20


def test_references_count_as_the_model_prepares_them() -> None:
    assert tokens_of(["a" * 64], MEGAPIXEL, SIZES) == (4096,)
    assert tokens_of(["a" * 64, "b" * 64], MEGAPIXEL, SIZES) == (31 * 18, 4096)
    assert tokens_of(["a" * 64], MEGAPIXEL // 4, SIZES) == (1024,)
    assert tokens_of(["c" * 64], MEGAPIXEL, SIZES) == (4096,), "an unknown one is as large as possible"


def test_guidance_takes_two_passes_only_in_undistilled_models() -> None:
    guided = replace(variant(1), guidance=4.0)
    assert shape_of(guided, model(distilled=False), ()).passes == 2
    assert shape_of(guided, model(distilled=True), ()).passes == 1
    assert shape_of(variant(1), model(distilled=False), ()).passes == 1


def test_a_record_has_the_shape_of_its_variant() -> None:
    fields = record(references=[{"sha256": "b" * 64}], reuse="approximate", guidance=4.0)
    assert recorded_shape(fields, model(), SIZES) == PictureShape(
        1024, 1024, MEGAPIXEL, 20, 2, (31 * 18,), approximate=True
    )
    assert recorded_shape(record(steps=None), model(), SIZES) == PictureShape(1024, 1024, MEGAPIXEL, 0, 1, ())


@pytest.mark.parametrize(
    "changes",
    [
        {"width": "1024"},
        {"height": 0},
        {"width": True},
        {"steps": "many"},
        {"guidance": "much"},
        {"references": None},
        {"reference_pixels": "all"},
    ],
)
def test_a_record_of_odd_values_has_no_shape(changes: dict[str, Any]) -> None:
    assert recorded_shape(record(**changes), model(), SIZES) is None
