"""What is delivered can be looked at although the job can't be planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.runs import run_of


@pytest.mark.parametrize("what", ["lock", "feed", "model"])
def test_status_and_clean_do_less_without_a_plan(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1)
    run_of(job)
    if what == "lock":
        job.with_suffix(".lock").write_text("{}")
    elif what == "feed":
        brand = job.with_name("brand.yaml")
        brand.write_text(brand.read_text().replace('"products": {', '"products": {"from": "feed.csv", "key": "id", '))
    else:
        (tmp_path / "checkpoint").rename(tmp_path / "elsewhere")
    assert cli.run(["status", str(job)]) == 0
    shown = capsys.readouterr().out
    assert "counts of the latest manifest, because the job's variants aren't known here: " in shown
    assert "2 planned: 2 done" in shown
    assert cli.run(["clean", str(job), "--hours", "0"]) == 0
    assert "keeping everything that was written after the latest manifest" in capsys.readouterr().err
    assert cli.run(["status", str(job), "--select", "product:mug"]) in (1, 4)


@pytest.mark.parametrize("option", [["--to", "3"], ["--take-over"]])
def test_a_list_of_manifests_rolls_nothing_back(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 1)
    assert cli.run(["rollback", str(job), "--list", *option]) == 1
    assert "--list only lists the manifests; remove --to and --take-over, or --list" in capsys.readouterr().err


def test_a_campaign_among_the_aliases_stops_a_rollback_before_anything_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 1, aliases=True)
    run_of(job)
    write_campaign(tmp_path, 2, aliases=True)
    run_of(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = folder.read("latest.json")
    assert folder.create("latest/latest.json", b"{}", "application/json")
    assert cli.run(["rollback", str(job)]) == 1
    assert "another campaign lies below this one, at latest; nothing was deleted" in capsys.readouterr().err
    assert folder.read("latest.json") == latest


def test_status_names_the_jobs_mistakes_if_nothing_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 1)
    job.write_text(job.read_text().replace('"mug"', '"mgu"'))
    assert cli.run(["status", str(job)]) == 1
    assert "unknown product 'mgu'" in capsys.readouterr().err
