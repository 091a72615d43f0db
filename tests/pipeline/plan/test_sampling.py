from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.sampling import reuse_of, sampling_params
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

SERVICE: dict[str, Any] = {"steps": None, "guidance": None, "hosted": True, "distilled": True}


@pytest.mark.parametrize(
    ("written", "changes", "expected"),
    [
        ("", {}, SamplingParams(steps=20, guidance=4.0)),
        ("quality: preview", {}, SamplingParams(steps=6, guidance=4.0)),
        ("quality: standard", {}, SamplingParams(steps=20, guidance=4.0)),
        ("quality: final", {}, SamplingParams(steps=50, guidance=4.0)),
        ("quality: {steps: 12}", {}, SamplingParams(steps=12, guidance=4.0)),
        ("quality: {guidance: 2}", {}, SamplingParams(steps=20, guidance=2.0)),
        ("quality: {steps: 1, guidance: 0}", {}, SamplingParams(steps=1, guidance=0.0)),
        ("", SERVICE, SamplingParams(steps=None, guidance=None)),
        ("quality: standard", SERVICE, SamplingParams(steps=None, guidance=None)),
        ("negative_prompt: a blur", {}, SamplingParams(steps=20, guidance=4.0, negative_prompt="a blur")),
        ("reference_pixels: 64x64", {}, SamplingParams(steps=20, guidance=4.0, reference_pixels=4096)),
        ("reference_pixels: 1048576", {}, SamplingParams(steps=20, guidance=4.0)),
        ("reference_pixels: 64x64", {"reference_pixels": 4096}, SamplingParams(steps=20, guidance=4.0)),
        ("upsample: true", {"upsamples": True}, SamplingParams(steps=20, guidance=4.0, upsample=True)),
        ("reuse: exact", {}, SamplingParams(steps=20, guidance=4.0)),
        ("reuse: approximate", {}, SamplingParams(steps=20, guidance=4.0, reuse="approximate")),
    ],
)
def test_a_campaigns_values_and_its_models_defaults(
    written: str, changes: dict[str, Any], expected: SamplingParams, corpus: Path, tmp_path: Path
) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    (tmp_path / "job.yaml").write_text(f"{text}{written}\n")
    assert sampling_params(load_campaign(tmp_path / "job.yaml"), model(**changes)) == expected


@pytest.mark.parametrize(
    ("reuse", "steps", "running", "expected"),
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
def test_approximate_reuse_only_if_it_makes_a_difference(
    reuse: str, steps: int | None, running: bool, expected: str
) -> None:
    params = SamplingParams(steps=steps, guidance=1.0, reuse=reuse)
    assert reuse_of(params, references_in_each_step=running) == expected
