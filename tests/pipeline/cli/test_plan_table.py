"""The output of `plan` on a terminal; tables are compared as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.memory.plan import DeviceMemory, Need
from brandpress.pipeline.cli.plan_table import print_plan
from brandpress.pipeline.plan.expand import make_plan, plan_for
from brandpress.pipeline.plan.memory import MemoryPlan
from brandpress.pipeline.plan.summary import StoreState, Summary, summarise
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model


def printed(capsys: pytest.CaptureFixture[str], summary: Summary, first: int = 5) -> str:
    print_plan(summary, first)
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def summary(corpus: Path) -> Summary:
    return summarise(plan_for(load_campaign(corpus / "good" / "design.yaml"), model()), "s3://assets", StoreState())


def test_a_non_commercial_licence_is_marked(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not for commercial use" not in printed(capsys, summary)
    plan = replace(summary.plan, model=model(commercial_use=False, licence="FLUX Non-Commercial License"))
    text = printed(capsys, replace(summary, plan=plan))
    assert "FLUX Non-Commercial License, not for commercial use" in text


def test_optional_fields_are_shown(corpus: Path, summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "reuse" not in printed(capsys, summary)
    plan = plan_for(load_campaign(corpus / "good" / "composition.yaml"), model())
    text = printed(capsys, summarise(plan, "out", None, "no route"))
    assert "some-model, LoRA ../klein-base/style.safetensors at 0.8" in text
    assert "at 1, quantised to fp8 (licence: Apache-2.0)" in text
    assert "negative prompt blurry, text" in text
    assert "reference pixels at most 262,144" in text
    assert "reuse approximate: faster" in text
    assert "upsample" not in text


def test_the_memory_of_the_model_that_rewrites_prompts_is_shown(
    summary: Summary, capsys: pytest.CaptureFixture[str]
) -> None:
    device = DeviceMemory("a GPU", 80 * 10**9, 80 * 10**9)
    for upsampler, shown in ((0, "one picture 2.0 GB); on a GPU"), (48, "rewrites prompts 48.0 GB); on a GPU")):
        need = Need(20 * 10**9, 10 * 10**9, 10**9, 2 * 10**9, upsampler=upsampler * 10**9)
        assert shown in printed(capsys, replace(summary, memory=MemoryPlan(need, device, "resident", None)))


def test_settings_that_the_service_chooses(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, summarise(make_plan(load_campaign(corpus / "good" / "service.yaml")), "out", StoreState()))
    assert "sampling the service's steps, the service's guidance" in text
    text = printed(capsys, summarise(make_plan(load_campaign(corpus / "good" / "hosted.yaml")), "out", StoreState()))
    assert "flux.2-flex, region eu (" in text
    assert "sampling 30 steps, guidance 4.5" in text
    assert "upsample the model rewrites the prompts first" in text


def test_warnings_come_last(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "warning" not in printed(capsys, summary)
    with_warnings = replace(summary, warnings=("12 prompts are long", "[red]\x1b[2J"))
    assert printed(capsys, with_warnings).endswith("warning: 12 prompts are long warning: [red]\\x1b[2J")


def test_an_unreadable_store_is_not_counted(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, replace(summary, done=None, unknown="no route to it"))
    assert "unknown: no route to it" in text
    assert "to render" not in text


def test_markup_and_control_characters_of_prompts_are_escaped(
    summary: Summary, capsys: pytest.CaptureFixture[str]
) -> None:
    first = replace(summary.plan.variants[0], prompt="[red]x[/] :smile: \x1b[2J")
    plan = replace(summary.plan, variants=(first,))
    text = printed(capsys, replace(summary, plan=plan))
    assert "[red]x[/] :smile: \\x1b[2J" in text
    assert "\x1b" not in text


def test_the_number_of_first_variants(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "first variants" not in printed(capsys, summary, 0)
    assert printed(capsys, summary, 1).count("a green mug") == 1


def test_long_lists_are_cut(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    names = {f"p{i}": 1 for i in range(20)}
    text = printed(capsys, replace(summary, axes={"product": names}, reference_sets=summary.reference_sets * 5))
    assert "and 12 more" in text
    assert "15 reference sets" in text
    assert "and 5 more" in text
