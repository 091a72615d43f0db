from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.plan.validate import validate


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("brand: x\n", "brand"),
        ("brand: x\nproducts: {}\n", "brand"),
        ("brnd: x\nproducts: {}\nstyles: {}\n", "brand"),
        ("campaign: x\n", "campaign"),
        ("campain: x\nbrand: y\nmatrix: {}\nprompt: z\n", "campaign"),
        ("- x\n", "campaign"),
        ("hello: x\n", "brand"),
        ("a: [\n", None),
    ],
)
def test_the_kind_of_a_file(text: str, kind: str | None, tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text(text)
    assert validate(tmp_path / "file.yaml").kind == kind


def test_a_good_campaign_and_its_brand(corpus: Path) -> None:
    result = validate(corpus / "good" / "design.yaml")
    assert (result.kind, result.name, result.variants, result.problems) == (
        "campaign",
        "spring",
        12,
        (),
    )
    result = validate(corpus / "northwind" / "brand.yaml")
    assert (result.kind, result.name, result.variants, result.problems) == (
        "brand",
        "northwind",
        None,
        (),
    )


def test_a_wrong_model_is_reported_with_all_other_problems(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../northwind", f"{corpus}/northwind")
    (tmp_path / "job.yaml").write_text(text.replace("../klein", "klien").replace("64x64", "65x64"))
    lines = [(problem.line, problem.what.split(" ")[0]) for problem in validate(tmp_path / "job.yaml").problems]
    assert lines == [(3, "model:"), (6, "size:")]


@pytest.mark.parametrize(
    ("model", "place", "what"),
    [
        ("{base: nano, vae: nowhere.safetensors}", (3, 26), "there is no 'nowhere.safetensors'"),
        ("{base: nano, region: eu}", (3, 8), "model: region 'eu'"),
        ("{base: flux.2-pro, quantise: fp8}", (3, 8), "model: flux.2-pro is rendered by BFL"),
        ("\n  base: nano\n  loras: [{file: nowhere.safetensors}]", (5, 18), "there is no 'nowhere.safetensors'"),
    ],
)
def test_problems_of_a_composed_model(
    model: str, place: tuple[int, int], what: str, corpus: Path, tmp_path: Path
) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../northwind", f"{corpus}/northwind")
    (tmp_path / "job.yaml").write_text(text.replace("../klein", model))
    [problem] = validate(tmp_path / "job.yaml").problems
    assert (problem.line, problem.column) == place
    assert problem.what.startswith(what)
