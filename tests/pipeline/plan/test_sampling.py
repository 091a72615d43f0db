from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.plan.sampling import Sampling, reuse_of, sampling
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

SERVICE: dict[str, Any] = {"steps": None, "guidance": None, "hosted": True, "distilled": True}


@pytest.mark.parametrize(
    ("written", "changes", "found"),
    [
        ("", {}, Sampling(20, 4.0)),
        ("quality: preview", {}, Sampling(6, 4.0)),
        ("quality: standard", {}, Sampling(20, 4.0)),
        ("quality: final", {}, Sampling(50, 4.0)),
        ("quality: {steps: 12}", {}, Sampling(12, 4.0)),
        ("quality: {guidance: 2}", {}, Sampling(20, 2.0)),
        ("quality: {steps: 1, guidance: 0}", {}, Sampling(1, 0.0)),
        ("", SERVICE, Sampling(None, None)),
        ("quality: standard", SERVICE, Sampling(None, None)),
        ("negative_prompt: a blur", {}, Sampling(20, 4.0, negative_prompt="a blur")),
        ("reference_pixels: 64x64", {}, Sampling(20, 4.0, reference_pixels=4096)),
        ("reference_pixels: 1048576", {}, Sampling(20, 4.0)),
        ("reference_pixels: 64x64", {"reference_pixels": 4096}, Sampling(20, 4.0)),
        ("upsample: true", {"upsamples": True}, Sampling(20, 4.0, upsample=True)),
        ("reuse: exact", {}, Sampling(20, 4.0)),
        ("reuse: approximate", {}, Sampling(20, 4.0, reuse="approximate")),
    ],
)
def test_what_a_campaign_asks_for_else_what_its_model_says(
    written: str, changes: dict[str, Any], found: Sampling, corpus: Path, tmp_path: Path
) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    (tmp_path / "job.yaml").write_text(f"{text}{written}\n")
    assert sampling(load_campaign(tmp_path / "job.yaml"), model(**changes)) == found


@pytest.mark.parametrize(
    ("asked", "steps", "running", "found"),
    [
        ("exact", 50, True, "exact"),
        ("approximate", 4, True, "approximate"),
        ("approximate", 2, True, "approximate"),
        ("approximate", 1, True, "exact"),
        ("approximate", LONG_SCHEDULE, False, "approximate"),
        ("approximate", LONG_SCHEDULE - 1, False, "exact"),
        ("exact", None, True, "exact"),
    ],
)
def test_approximate_only_where_it_makes_a_difference(asked: str, steps: int | None, running: bool, found: str) -> None:
    assert reuse_of(Sampling(steps, 1.0, reuse=asked), running) == found
