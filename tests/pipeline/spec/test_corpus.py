"""All files of the corpus: bad ones with their exact messages, good ones with their number of variants."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.spec.load import load_campaign
from tests.corpus.layout import CORPUS

BAD = sorted(path.name for path in (CORPUS / "bad").iterdir())
GOOD = {
    "composition": 2,
    "channels": 4,
    "design": 12,
    "feed": 6,
    "formats": 18,
    "hosted": 3,
    "include": 4,
    "only-include": 12,
    "service": 1,
    "smallest": 1,
    "texts": 5,
}


@pytest.mark.parametrize("case", BAD)
def test_every_problem_is_reported(
    case: str, corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = corpus / "bad" / case
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", "/home/someone")
    file = "job.yaml" if Path("job.yaml").exists() else "brand.yaml"
    code = cli.run(["validate", file])
    shown = capsys.readouterr()
    lines = shown.err.replace(str(corpus), "<corpus>").splitlines()
    assert code == 1
    assert lines[:-1] == (CORPUS / "bad" / case / "expected.txt").read_text().splitlines()
    assert lines[-1].split()[0] == str(len(lines) - 1)
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_the_corpus_is_large_enough() -> None:
    assert len(BAD) >= 150


def test_every_good_file_has_its_number() -> None:
    assert {path.stem for path in (CORPUS / "good").glob("*.yaml")} == set(GOOD)


@pytest.mark.parametrize(("name", "variants"), GOOD.items())
def test_good_files_are_planned(name: str, variants: int, corpus: Path) -> None:
    plan = make_plan(load_campaign(corpus / "good" / f"{name}.yaml"))
    assert len(plan.variants) == variants
    assert len({variant.render_key for variant in plan.variants}) == (2 if name == "channels" else variants)
    assert len({variant.asset for variant in plan.variants}) == variants
