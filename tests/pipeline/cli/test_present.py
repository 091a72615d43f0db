"""What people see of a plan; the tables are read as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.cli.present import show_plan
from brandpress.pipeline.plan.expand import make_plan, plan_for
from brandpress.pipeline.plan.summary import Summary, summarise
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model


def shown(capsys: pytest.CaptureFixture[str], summary: Summary, first: int = 5) -> str:
    show_plan(summary, first)
    return " ".join(capsys.readouterr().out.split())


@pytest.fixture
def summary(corpus: Path) -> Summary:
    return summarise(plan_for(load_campaign(corpus / "good" / "design.yaml"), model()), "s3://assets", frozenset())


def test_a_licence_that_forbids_commercial_use_is_said(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not for commercial use" not in shown(capsys, summary)
    plan = replace(summary.plan, model=model(commercial_use=False, licence="FLUX Non-Commercial License"))
    text = shown(capsys, replace(summary, plan=plan))
    assert "FLUX Non-Commercial License, not for commercial use" in text


def test_what_a_campaign_asks_for_besides_is_shown(
    corpus: Path, summary: Summary, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "reuse" not in shown(capsys, summary)
    plan = plan_for(load_campaign(corpus / "good" / "composition.yaml"), model())
    text = shown(capsys, summarise(plan, "out", None, "no route"))
    assert "some-model, LoRA ../klein-base/style.safetensors at 0.8" in text
    assert "at 1, quantised to fp8 (licence: Apache-2.0)" in text
    assert "negative prompt blurry, text" in text
    assert "reference pixels at most 262,144" in text
    assert "reuse approximate: faster" in text
    assert "upsample" not in text


def test_what_a_service_chooses_is_the_services(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, summarise(make_plan(load_campaign(corpus / "good" / "service.yaml")), "out", frozenset()))
    assert "sampling the service's steps, the service's guidance" in text
    text = shown(capsys, summarise(make_plan(load_campaign(corpus / "good" / "hosted.yaml")), "out", frozenset()))
    assert "flux.2-flex, region eu (" in text
    assert "sampling 30 steps, guidance 4.5" in text
    assert "upsample the model rewrites prompts first" in text


def test_warnings_come_last(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "warning" not in shown(capsys, summary)
    warned = replace(summary, warnings=("12 prompts are long", "[red]\x1b[2J"))
    assert shown(capsys, warned).endswith("warning: 12 prompts are long warning: [red]\\x1b[2J")


def test_an_unknown_store_is_not_counted(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, replace(summary, done=None, unknown="no route to it"))
    assert "unknown: no route to it" in text
    assert "to render" not in text


def test_markup_and_control_characters_of_prompts_are_only_shown(
    summary: Summary, capsys: pytest.CaptureFixture[str]
) -> None:
    first = replace(summary.plan.variants[0], prompt="[red]x[/] :smile: \x1b[2J")
    plan = replace(summary.plan, variants=(first,))
    text = shown(capsys, replace(summary, plan=plan))
    assert "[red]x[/] :smile: \\x1b[2J" in text
    assert "\x1b" not in text


def test_as_many_variants_as_asked_for(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    assert "first variants" not in shown(capsys, summary, 0)
    assert shown(capsys, summary, 1).count("a green mug") == 1


def test_long_lists_are_cut(summary: Summary, capsys: pytest.CaptureFixture[str]) -> None:
    names = {f"p{i}": 1 for i in range(20)}
    text = shown(capsys, replace(summary, axes={"product": names}, reference_sets=summary.reference_sets * 5))
    assert "and 12 more" in text
    assert "15 reference sets" in text
    assert "and 5 more" in text
