"""The largest picture of a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.memory.plan import Largest
from brandpress.pipeline.plan.expand import plan_for
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

SQUARE = "matrix: {product: [mug, bottle]}\nsize: 64x64\n"
FORMATS = "matrix: {product: [bottle, mug], format: {small: 64x64, tall: 64x512, wide: 256x64}}\n"


@pytest.mark.parametrize(
    ("written", "largest"),
    [
        (SQUARE, Largest(64, 64)),
        (SQUARE + "references: [product]\n", Largest(64, 64, 2 * (96 * 80 // 256))),
        (SQUARE + "references: [product]\nreference_pixels: 64x64\n", Largest(64, 64, 2 * (70 // 16) * (58 // 16))),
        (FORMATS, Largest(64, 512)),
        (SQUARE + "upsample: true\n", Largest(64, 64, upsample=True)),
        (SQUARE + "reuse: approximate\n", Largest(64, 64, approximate=True)),
        (SQUARE + "reuse: approximate\nquality: preview\n", Largest(64, 64)),
    ],
)
def test_the_largest_picture_and_reference_set(written: str, largest: Largest, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(
        f"campaign: c\nbrand: {corpus}/northwind/brand.yaml\nmodel: nano\nprompt: '{{{{ product }}}}'\ndeliver: out\n"
        + written
    )
    plan = plan_for(load_campaign(tmp_path / "job.yaml"), model(upsamples=True))
    assert largest_of(plan) == largest
