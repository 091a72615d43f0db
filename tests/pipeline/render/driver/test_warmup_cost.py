"""The warm-up cost grows with the references and shrinks with the work per picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.driver.warmup_cost import ENCODING_PASSES, warmup_cost
from tests.campaigns import write_checkpoint
from tests.pipeline.deliver.records import variant

MUG = Reference("product", "mug.png", Path("mug.png"), "0" * 64)


@pytest.mark.parametrize(
    ("references", "side", "steps", "reference_pixels", "passes"),
    [
        (0, 1024, 4, None, 0),
        (1, 1024, 4, None, 1 / 4),
        (4, 1024, 4, None, 1),
        (4, 2048, 4, None, 1 / 4),
        (10, 256, 4, None, 40),
        (10, 256, 4, 256 * 256, 10 / 4),
        (4, 1024, 50, None, 4 / 50),
        (4, 1024, None, None, 1),
    ],
)
@pytest.mark.parametrize("kv", [True, False])
def test_warmup_cost_in_pictures(
    tmp_path: Path,
    references: int,
    side: int,
    steps: int | None,
    reference_pixels: int | None,
    passes: float,
    kv: bool,
) -> None:
    model = replace(describe(str(write_checkpoint(tmp_path / "checkpoint")), tmp_path), kv=kv)
    rendered = replace(
        variant(0),
        references=(MUG,) * references,
        width=side,
        height=side,
        steps=steps,
        reference_pixels=reference_pixels,
    )
    assert warmup_cost(rendered, model) == pytest.approx(passes * (ENCODING_PASSES + kv))
