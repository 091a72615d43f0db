from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from model.errors import CheckpointError
from pipeline.plan.expand import make_plan, plan_for
from pipeline.plan.identity import KeyInputs, render_key
from pipeline.spec.load import load_campaign
from pipeline.spec.problem import SpecError
from tests.corpus.layout import lay_out
from tests.pipeline.plan.keys import model


def test_a_variant_holds_all_that_decides_its_pixels(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "design.yaml")
    variant = next(v for v in plan_for(campaign, model()).variants if v.name == "mug/fox-beach-2048x2048-s1")
    pictures = corpus / "northwind" / "pictures"
    files = ["mug-front.png", "mug-side.webp", "fox.png", "dawn.png"]
    digests = tuple(hashlib.sha256((pictures / file).read_bytes()).hexdigest() for file in files)
    assert [reference.role for reference in variant.references] == ["product", "product", "character", "style"]
    assert [reference.path for reference in variant.references] == [pictures / file for file in files]
    assert variant.reference_set == digests
    assert (variant.steps, variant.guidance, variant.seed) == (20, 4.0, 1)
    assert variant.render_key == render_key(
        KeyInputs(
            weights="ab" * 32,
            prompt="a green mug with a white star on the left, a cheerful fox on the right, on a beach",
            references=digests,
            width=2048,
            height=2048,
            steps=20,
            guidance=4.0,
            seed=1,
            quantisation=None,
            sampler=model().sampler,
            format="png",
        )
    )
    assert variant.asset == f"assets/mug/fox-beach-2048x2048-s1.{variant.render_key[:8]}.png"


@pytest.mark.parametrize("name", ["design", "formats", "include", "only-include", "texts"])
def test_reference_sets_stand_together_and_sizes_within_them(name: str, corpus: Path) -> None:
    variants = plan_for(load_campaign(corpus / "good" / f"{name}.yaml"), model()).variants
    groups = [key for key, _ in groupby(variants, key=lambda v: v.reference_set)]
    assert len(groups) == len(set(groups))
    for _, group in groupby(variants, key=lambda v: v.reference_set):
        order = [(v.width, v.height, v.prompt, v.seed) for v in group]
        assert order == sorted(order)


def test_keys_know_nothing_of_the_machine(tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another place, another working directory, a relative path: the same plan."""
    here = plan_for(load_campaign(corpus / "good" / "design.yaml"), model())
    (tmp_path / "elsewhere").mkdir()
    other = lay_out(tmp_path / "elsewhere")
    monkeypatch.chdir(other / "good")
    there = plan_for(load_campaign(Path("design.yaml")), model(folder=Path("/other")))
    assert [(v.name, v.render_key) for v in here.variants] == [(v.name, v.render_key) for v in there.variants]
    assert here.campaign.spec_sha256 == there.campaign.spec_sha256


def test_a_changed_reference_changes_only_the_variants_that_use_it(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    before = plan_for(load_campaign(root / "good" / "design.yaml"), model())
    shutil.copy(root / "northwind/pictures/dawn.png", root / "northwind/pictures/bear.jpg")
    after = plan_for(load_campaign(root / "good" / "design.yaml"), model())
    keys = {v.name: v.render_key for v in before.variants}
    changed = {v.axes["character"] for v in after.variants if v.render_key != keys[v.name]}
    kept = {v.axes["character"] for v in after.variants if v.render_key == keys[v.name]}
    assert (changed, kept) == ({"bear"}, {"fox"})


@pytest.mark.parametrize(
    ("quality", "steps", "guidance"),
    [
        ("preview", 6, 4.0),
        ("standard", 20, 4.0),
        ("final", 50, 4.0),
        ("{steps: 12}", 12, 4.0),
        ("{guidance: 2}", 20, 2.0),
        ("{steps: 1, guidance: 0}", 1, 0.0),
    ],
)
def test_quality(quality: str, steps: int, guidance: float, corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    (tmp_path / "job.yaml").write_text(f"{text}quality: {quality}\n")
    [variant] = plan_for(load_campaign(tmp_path / "job.yaml"), model()).variants
    assert (variant.steps, variant.guidance) == (steps, guidance)


def test_what_a_model_cannot_do(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "design.yaml")
    with pytest.raises(SpecError) as raised:
        plan_for(campaign, model(max_references=3, steps={"preview": 4}))
    assert [(p.line, p.column, p.what, p.allowed) for p in raised.value.problems] == [
        (14, 10, "the model 'some-model' has no quality 'standard'", "allowed: 'preview', or {steps: 20}"),
        (
            11,
            13,
            "some variants have 4 reference pictures, and the model 'some-model' takes fewer",
            "allowed: 3 together",
        ),
    ]


def test_the_model_is_looked_for_beside_the_campaign(corpus: Path, tmp_path: Path) -> None:
    campaign = load_campaign(corpus / "good" / "smallest.yaml")
    assert make_plan(campaign).model.folder == corpus / "klein"
    with pytest.raises(CheckpointError):
        make_plan(replace(campaign, path=tmp_path / "deep" / "job.yaml"))
