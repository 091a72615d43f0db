"""Problems of campaigns with their models; the messages for known models are tested by the corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.expand import plan_for
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from tests.pipeline.plan.keys import model

SERVICE: dict[str, Any] = {"steps": None, "guidance": None, "hosted": True, "distilled": True}
FLEX: dict[str, Any] = {"family": "flux.2-flex", "guidance": 4.5, "hosted": True, "distilled": True, "upsamples": True}


@pytest.mark.parametrize(
    ("written", "changes", "wrong"),
    [
        ("quality: standard", SERVICE, []),
        ("quality: preview", SERVICE, ["quality: "]),
        ("quality: {steps: 20}", SERVICE, ["steps: "]),
        ("quality: {guidance: 2}", SERVICE, ["guidance: "]),
        ("quality: {steps: 20, guidance: 2}", SERVICE, ["steps: ", "guidance: "]),
        ("quality: final", FLEX, []),
        ("quality: {steps: 50, guidance: 1.5}", FLEX, []),
        ("quality: {steps: 1, guidance: 10}", FLEX, []),
        ("quality: {steps: 51, guidance: 10.1}", FLEX, ["steps: ", "guidance: "]),
        ("quality: {steps: 51, guidance: 1}", {}, []),
        ("quality: preview", {"steps": {"standard": 4}}, ["quality: "]),
        ("quality: {guidance: 3}", {"steps": {"preview": 4}}, ["quality: "]),
        ("quality: {steps: 3}", {"steps": {"preview": 4}}, []),
        ("negative_prompt: a blur", {}, []),
        ("negative_prompt: a blur", {"distilled": True}, ["negative_prompt: "]),
        ("negative_prompt: a blur", SERVICE, ["negative_prompt: "]),
        ("negative_prompt: a blur", {"guidance": 1.0}, ["negative_prompt: "]),
        ("quality: {guidance: 1.01}\nnegative_prompt: a blur", {"guidance": 1.0}, []),
        ("negative_prompt: a blur\nquality: {guidance: 1}", {}, ["negative_prompt: "]),
        ("upsample: true", {"upsamples": True}, []),
        ("upsample: true", {}, ["upsample: "]),
        ("upsample: false", {}, []),
        ("reuse: approximate", {}, []),
        ("reuse: approximate", {"kv": True, "steps": {"standard": LONG_SCHEDULE}}, []),
        ("reuse: approximate", {"kv": True, "steps": {"standard": LONG_SCHEDULE - 1}}, ["reuse: "]),
        (f"reuse: approximate\nquality: {{steps: {LONG_SCHEDULE}}}", {"kv": True, "steps": {"standard": 4}}, []),
        (f"reuse: approximate\nquality: {{steps: {LONG_SCHEDULE - 1}}}", {"kv": True}, ["reuse: "]),
        ("reuse: approximate\nquality: preview", {"kv": True, "steps": {"standard": 4}}, ["reuse: ", "quality: "]),
        ("reuse: approximate", SERVICE, ["reuse: "]),
        ("reuse: exact", {"kv": True}, []),
        ("reuse: exact", SERVICE, []),
        ("reference_pixels: 64x64", {}, []),
        ("reference_pixels: 64x64", SERVICE, []),
    ],
)
def test_problems_are_reported_at_their_fields(
    written: str, changes: dict[str, Any], wrong: list[str], corpus: Path, tmp_path: Path
) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    file = tmp_path / "job.yaml"
    file.write_text(f"{text}{written}\n")
    lines = file.read_text().splitlines()
    problems = model_problems(load_campaign(file), model(**changes))
    before = [lines[problem.line - 1][: problem.column - 1] for problem in problems]
    assert [place.endswith(field) for place, field in zip(before, wrong, strict=True)] == [True] * len(wrong)


def test_all_problems_in_reading_order(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "design.yaml")
    with pytest.raises(SpecError) as raised:
        plan_for(campaign, model(max_references=3, steps={"preview": 4}))
    assert [(p.line, p.column, p.what, p.allowed) for p in raised.value.problems] == [
        (
            11,
            13,
            "some variants have 4 reference pictures, too many for the model 'some-model'",
            "allowed: 3 together",
        ),
        (14, 10, "the model 'some-model' has no quality 'standard'", "allowed: 'preview', or {steps: 20}"),
    ]
