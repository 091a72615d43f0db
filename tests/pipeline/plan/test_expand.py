from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.sampler_version import APPROXIMATION, LONG_SCHEDULE
from brandpress.pipeline.plan.expand import Plan, make_plan, plan_for
from brandpress.pipeline.plan.identity import KeyInputs, render_key
from brandpress.pipeline.spec.load import load_campaign
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
    assert variant.asset == f"assets/mug/fox-beach-2048x2048-s1.{variant.render_key[:16]}.png"


@pytest.mark.parametrize("name", ["design", "formats", "include", "only-include", "texts"])
def test_variants_are_grouped_by_reference_set_and_size(name: str, corpus: Path) -> None:
    variants = plan_for(load_campaign(corpus / "good" / f"{name}.yaml"), model()).variants
    groups = [key for key, _ in groupby(variants, key=lambda v: v.reference_set)]
    assert len(groups) == len(set(groups))
    for _, group in groupby(variants, key=lambda v: v.reference_set):
        order = [(v.width, v.height, v.prompt, v.seed) for v in group]
        assert order == sorted(order)


def test_keys_do_not_depend_on_the_machine(tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder, another working directory and a relative path give the same plan."""
    here = plan_for(load_campaign(corpus / "good" / "design.yaml"), model())
    (tmp_path / "elsewhere").mkdir()
    other = lay_out(tmp_path / "elsewhere")
    monkeypatch.chdir(other / "good")
    there = plan_for(load_campaign(Path("design.yaml")), model(choice=ModelChoice("/other")))
    assert [(v.name, v.render_key) for v in here.variants] == [(v.name, v.render_key) for v in there.variants]
    assert here.campaign.spec_sha256 == there.campaign.spec_sha256


def test_a_changed_reference_changes_only_the_variants_that_use_it(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    before = plan_for(load_campaign(root / "good" / "design.yaml"), model())
    shutil.copy(root / "northwind/pictures/dawn.png", root / "northwind/pictures/bear.jpg")
    after = plan_for(load_campaign(root / "good" / "design.yaml"), model())
    keys = {v.name: v.render_key for v in before.variants}
    changed = {v.axes["character"] for v in after.variants if v.render_key != keys[v.name]}
    unchanged = {v.axes["character"] for v in after.variants if v.render_key == keys[v.name]}
    assert (changed, unchanged) == ({"bear"}, {"fox"})


def test_a_campaign_of_version_0_1_keeps_its_key(corpus: Path) -> None:
    """The literal key is the one that 0.1.0 computed."""
    [variant] = plan_for(load_campaign(corpus / "good" / "smallest.yaml"), model(sampler="euler/1")).variants
    assert variant.render_key == "b11e15168b59fbf6d7a8faa115410d08d4bee096361418aa907493ac0d742af0"


def test_optional_fields_are_in_variants_and_keys(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "composition.yaml")
    choice = replace(campaign.choice, base="/models/klein-base")
    plan = plan_for(campaign, model(choice=choice))
    for variant in plan.variants:
        assert (variant.negative_prompt, variant.reference_pixels, variant.upsample) == ("blurry, text", 512**2, False)
        assert variant.render_key == render_key(
            KeyInputs(
                weights="ab" * 32,
                prompt=variant.prompt,
                references=variant.reference_set,
                width=64,
                height=64,
                steps=20,
                guidance=3.0,
                seed=0,
                quantisation="fp8",
                sampler=model().sampler,
                format="png",
                negative_prompt="blurry, text",
                reference_pixels=512**2,
                reuse=APPROXIMATION,
            )
        )


def test_reference_pixels_without_effect_are_not_in_the_key(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    keys = []
    for fields in ("", "reference_pixels: 64x64\n", "reference_pixels: 1048576\nreferences: [product]\n"):
        (tmp_path / "job.yaml").write_text(text + fields)
        [variant] = plan_for(load_campaign(tmp_path / "job.yaml"), model()).variants
        assert variant.reference_pixels is None
        keys.append((bool(variant.references), variant.render_key))
    assert keys[0] == keys[1]
    (tmp_path / "job.yaml").write_text(text + "references: [product]\n")
    [variant] = plan_for(load_campaign(tmp_path / "job.yaml"), model()).variants
    assert keys[2] == (True, variant.render_key)


@pytest.mark.parametrize(
    ("fields", "reuse"),
    [
        ("references: [product]\nquality: preview\n", "approximate"),
        ("references: [product]\nquality: {steps: 1}\n", "exact"),
        (f"quality: {{steps: {LONG_SCHEDULE}}}\n", "approximate"),
        (f"quality: {{steps: {LONG_SCHEDULE - 1}}}\n", "exact"),
    ],
)
def test_approximate_pictures_have_different_keys(fields: str, reuse: str, corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/") + fields
    variants = []
    for line in ("", "reuse: exact\n", "reuse: approximate\n"):
        (tmp_path / "job.yaml").write_text(text + line)
        [variant] = plan_for(load_campaign(tmp_path / "job.yaml"), model()).variants
        variants.append(variant)
    default, exact, requested = variants
    assert default == exact
    assert requested.reuse == reuse
    assert (requested.render_key == exact.render_key) == (reuse == "exact")
    inputs = KeyInputs(
        weights="ab" * 32,
        prompt="mug",
        references=requested.reference_set,
        width=64,
        height=64,
        steps=requested.steps,
        guidance=4.0,
        seed=0,
        quantisation=None,
        sampler=model().sampler,
        format="png",
        reuse=APPROXIMATION if reuse == "approximate" else "exact",
    )
    assert requested.render_key == render_key(inputs)


def test_a_model_with_kv_only_approximates_long_schedules(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../", f"{corpus}/")
    written = f"references: [product]\nquality: {{steps: {LONG_SCHEDULE}}}\nreuse: approximate\n"
    (tmp_path / "job.yaml").write_text(text + written)
    [variant] = plan_for(load_campaign(tmp_path / "job.yaml"), model(kv=True)).variants
    assert variant.reuse == "approximate"


def test_a_hosted_model_that_chooses_its_steps_gets_none(corpus: Path) -> None:
    [variant] = make_plan(load_campaign(corpus / "good" / "service.yaml")).variants
    assert (variant.steps, variant.guidance) == (None, None)
    [*variants] = make_plan(load_campaign(corpus / "good" / "hosted.yaml")).variants
    assert {(variant.steps, variant.guidance, variant.upsample) for variant in variants} == {(30, 4.5, True)}


def test_references_have_the_background_of_transparent_pictures(tmp_path: Path) -> None:
    root = lay_out(tmp_path)
    fox, brand = root / "northwind" / "pictures" / "fox.png", root / "northwind" / "brand.yaml"
    Image.new("RGBA", (96, 80), (200, 90, 20, 120)).save(fox)

    def planned() -> Plan:
        return plan_for(load_campaign(root / "good" / "design.yaml"), model())

    on_white = planned()
    brand.write_text(brand.read_text() + "background: pine\n")
    on_pine = planned()
    grounds = {(reference.file, reference.background) for v in on_pine.variants for reference in v.references}
    assert ("pictures/fox.png", "#1f4d3a") in grounds
    assert {background for file, background in grounds if file != "pictures/fox.png"} == {None}
    [fox_reference] = {r for v in on_white.variants for r in v.references if r.background}
    assert fox_reference.identity == f"{hashlib.sha256(fox.read_bytes()).hexdigest()} on #ffffff"
    keys = {v.name: v.render_key for v in on_white.variants}
    changed = {v.axes["character"] for v in on_pine.variants if v.render_key != keys[v.name]}
    unchanged = {v.axes["character"] for v in on_pine.variants if v.render_key == keys[v.name]}
    assert (changed, unchanged) == ({"fox"}, {"bear"})


def test_the_model_is_looked_for_beside_the_campaign(corpus: Path, tmp_path: Path) -> None:
    campaign = load_campaign(corpus / "good" / "smallest.yaml")
    assert make_plan(campaign).model.choice == ModelChoice(str(corpus / "klein"))
    composed = make_plan(load_campaign(corpus / "good" / "composition.yaml")).model
    assert composed.name == "../klein-base"
    assert {lora.file for lora in composed.choice.loras} == {str(corpus / "klein-base" / "style.safetensors")}
    with pytest.raises(CheckpointError):
        make_plan(replace(campaign, path=tmp_path / "deep" / "job.yaml"))
