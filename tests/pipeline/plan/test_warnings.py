"""Warnings about prompts that are too long, with any batch size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.prompt_length import token_counts
from brandpress.pipeline.plan import warnings
from brandpress.pipeline.plan.expand import Plan, plan_for
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

JOB = """campaign: c
brand: {corpus}/northwind/brand.yaml
model: nano
matrix:
  product: [mug, bottle]
  scene: {{{scenes}}}
prompt: "a sunny place, {{{{ scene }}}}"
references: [product]
seeds: 3
size: 128x128
deliver: out
"""
WORDS = (60, 1, 90, 75, 90, 61)


def planned(corpus: Path, tmp_path: Path) -> Plan:
    scenes = ", ".join(f"s{i}: {'far ' * count}{i}" for i, count in enumerate(WORDS))
    (tmp_path / "job.yaml").write_text(JOB.format(corpus=corpus, scenes=scenes))
    return plan_for(load_campaign(tmp_path / "job.yaml"), describe("nano", tmp_path))


@pytest.mark.parametrize("batch", [4096, 1, 2, 5])
def test_truncated_prompts(batch: int, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "BATCH", batch)
    plan = planned(corpus, tmp_path)
    prompts = list(dict.fromkeys(variant.prompt for variant in plan.variants))
    counts = dict(zip(prompts, token_counts(plan.model, prompts), strict=True))
    longest = max(plan.variants, key=lambda variant: counts[variant.prompt])
    cut = [prompt for prompt in prompts if counts[prompt] > 64]
    assert (len(prompts), len(cut)) == (6, 5)
    assert warnings_of(plan) == (
        f"5 of 6 prompts are longer than 64 tokens and will be truncated; the longest has "
        f"{counts[longest.prompt]} tokens (variant '{longest.name}')",
    )


def test_no_warning_if_all_prompts_fit_or_the_model_is_hosted(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BFL_API_KEY", "bfl_key")
    assert warnings_of(plan_for(load_campaign(corpus / "good" / "design.yaml"), model(text_length=512))) == ()
    plan = planned(corpus, tmp_path)
    assert warnings_of(Plan(plan.campaign, model(hosted=True, text_length=1), plan.variants)) == ()


def test_a_missing_key_of_a_hosted_model(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    plan = planned(corpus, tmp_path)
    (warning,) = warnings_of(Plan(plan.campaign, model(hosted=True, text_length=1), plan.variants))
    assert "can't be rendered from here: BFL_API_KEY isn't set; run `export BFL_API_KEY=" in warning


def test_a_model_whose_tokens_cannot_be_counted(corpus: Path, tmp_path: Path) -> None:
    plan = planned(corpus, tmp_path)
    parts = plan.model.parts
    assert parts is not None
    (tmp_path / "tokenizer_config.json").write_text("{}")
    broken = replace(plan.model, parts=replace(parts, tokenizer=tmp_path))
    [warning] = warnings_of(Plan(plan.campaign, broken, plan.variants))
    assert warning.startswith(f"can't check whether prompts are too long: {tmp_path}: tokens can't be counted: ")
