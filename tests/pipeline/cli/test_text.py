"""The commands' output as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from brandpress.pipeline.cli.json_output import garbage_json, outcome_json, status_json, verification_json
from brandpress.pipeline.cli.text import (
    duration,
    failure_lines,
    garbage_lines,
    outcome_lines,
    plural,
    print_lines,
    size,
    status_lines,
    verification_lines,
)
from brandpress.pipeline.deliver.clean import GarbageSet
from brandpress.pipeline.deliver.status import CampaignStatus, Failure
from brandpress.pipeline.deliver.verify import Discrepancy, Verification
from brandpress.pipeline.render.driver.spending import Spent
from brandpress.pipeline.render.driver.totals import CacheUse
from brandpress.pipeline.store.protocol import Entry
from tests.pipeline.render.driver.test_outcome import outcome

FAILURE = Failure("mug/beach", "RuntimeError: no")


def test_a_summary_has_the_figures() -> None:
    finished = outcome(done=8, failed=1, failures=(FAILURE,), cache={"text": CacheUse(6, 8)}, outside_model=0.0312)
    assert list(outcome_lines(finished)) == [
        "spring: some variants failed (exit code 3)",
        "10 planned: 0 done before, 8 rendered now, 1 failed, 1 left",
        "took 1 min 35 s: 5.1 pictures a minute, 11.9 s per picture, with starting and loading",
        "cache hits: text 75% of 8",
        "time outside the model: 3.1% of the workers' busy time",
        "manifest: s3://assets/spring/manifests/00000001/manifest.json",
        "failed: mug/beach: RuntimeError: no",
        "run the same command with --retry-failed to retry only these",
    ]
    assert json.loads(json.dumps(outcome_json(finished))) == {
        "schema": "brandpress.run/1",
        "counts": {
            "planned": 10,
            "skipped": 0,
            "done": 8,
            "failed": 1,
            "held_back": 0,
            "not_selected": 0,
            "left": 1,
            "picked_out": 0,
        },
        "failed": [{"name": "mug/beach", "cause": "RuntimeError: no", "quarantined": False}],
        "held_back": [],
        "folder": "s3://assets/spring",
        "manifest": "manifests/00000001/manifest.json",
        "withheld": None,
        "seconds": 95.0,
        "cost": None,
        "cache": {"text": {"hits": 6, "uses": 8}},
        "outside_model": 0.0312,
        "interrupted": False,
        "stopped_by": None,
        "spent": None,
        "ended_early": None,
        "campaign": "spring",
        "published": None,
        "gate": None,
    }


def test_what_others_wrote_into_the_store_can_not_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    cause = "\x1b]0;owned\x07\x1b[2Jgone"
    print_lines(outcome_lines(outcome(failures=(Failure("mug/beach", cause),), failed=1, done=9)))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b]0;owned\\x07" in shown


def test_a_run_that_ended_early_says_why() -> None:
    lines = list(outcome_lines(outcome(done=4, ended_early="no credits left")))
    assert lines[-1] == "ended early: no credits left; run the same command again to continue"


def test_the_cost_of_a_hosted_tier_is_shown() -> None:
    charged = outcome(cost=1254.0)
    assert "cost: 1,254.0 credits" in list(outcome_lines(charged))
    assert outcome_json(charged)["cost"] == 1254.0


def test_an_interrupted_run_says_how_to_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(outcome_lines(outcome(done=3, interrupted=True)))[-1] == (
        "interrupted; what was delivered stays, and another run continues"
    )
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    lines = list(outcome_lines(outcome(done=3, interrupted=True)))
    assert lines[0] == "spring: interrupted (exit code 130)"
    assert lines[1].endswith("7 left")
    assert lines[-1] == "interrupted; run the same command again to continue"


def test_held_back_variants_are_listed_with_how_to_retry_them() -> None:
    held_back = outcome(done=3, skipped=6, held_back=(replace(FAILURE, quarantined=True),))
    lines = list(outcome_lines(held_back))
    assert lines[1] == "10 planned: 6 done before, 3 rendered now, 0 failed, 1 held back, 0 left"
    assert lines[-2:] == [
        "held back: mug/beach: RuntimeError: no",
        "run the same command with --retry-failed to retry only these",
    ]
    values = outcome_json(held_back)
    assert (values["counts"]["held_back"], values["held_back"][0]["quarantined"]) == (1, True)


def test_quarantined_variants_are_marked() -> None:
    assert list(failure_lines((replace(FAILURE, quarantined=True),))) == ["quarantined: mug/beach: RuntimeError: no"]


def test_clean_lists_what_can_be_deleted_and_reports_what_was() -> None:
    garbage = GarbageSet((Entry("records/a.json", 1200, 0.0), Entry("assets/a.png", 5_000_000, 0.0)), (3, 4))
    assert list(garbage_lines(garbage, "out/spring", deleted=False)) == [
        "records/a.json (1.2 kB)",
        "assets/a.png (5.0 MB)",
        "2 objects, 5.0 MB, can be deleted in out/spring; 2 manifests kept; run again with --yes to delete them",
    ]
    assert list(garbage_lines(garbage, "out/spring", deleted=True)) == [
        "2 objects, 5.0 MB, deleted in out/spring; 2 manifests kept"
    ]
    assert garbage_json(garbage, "out/spring", deleted=True)["kept_manifests"] == [3, 4]
    assert list(garbage_lines(GarbageSet((), (1,)), "out", deleted=False)) == [
        "0 objects, 0 bytes, can be deleted in out; 1 manifest kept"
    ]
    assert list(garbage_lines(GarbageSet((), (1,), too_young=3), "out", deleted=False)) == [
        "0 objects, 0 bytes, can be deleted in out; 1 manifest kept; 3 more objects still too young (--hours)"
    ]


def test_many_failures_are_truncated() -> None:
    lines = list(failure_lines((FAILURE,) * 25))
    assert len(lines) == 21
    assert lines[-1] == "and 5 more; `brandpress status --json` lists them all"


def test_status_and_verification() -> None:
    status = CampaignStatus(5, 3, 1, 1, (FAILURE,), None)
    assert list(status_lines(status, "out/spring")) == [
        "5 planned: 3 done, 1 failed, 1 missing",
        "nothing is published in out/spring",
        "failed: mug/beach: RuntimeError: no",
    ]
    assert status_json(status, "out/spring")["counts"] == {
        "planned": 5,
        "done": 3,
        "failed": 1,
        "missing": 1,
        "picked_out": 0,
        "dropped": 0,
        "unchecked": 0,
        "unapproved": 0,
    }
    problems = (Discrepancy("changed", "assets/a.png", "why"), Discrepancy("unknown", "x", "what"))
    verification = Verification("manifests/00000001/manifest.json", 7, 1234, problems)
    assert list(verification_lines(verification, "out/spring")) == [
        "out/spring/manifests/00000001/manifest.json",
        "7 objects, 1,234 bytes verified: 0 missing, 1 changed, 1 unknown",
        "changed: assets/a.png (why)",
        "unknown: x (what)",
    ]
    assert verification_json(verification, "out/spring")["intact"] is False
    signed = Verification("manifests/00000001/manifest.json", 2, 900, (), trusted=1, unsigned=2)
    [_, line] = verification_lines(signed, "out/spring")
    assert line == "2 objects, 900 bytes verified: 0 missing, 0 changed, 0 unknown; 1 trusted signature, 2 unsigned"
    assert verification_json(signed, "out/spring")["trusted"] == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 1 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (949, "949 bytes"),
        (1200, "1.2 kB"),
        (30_000, "30.0 kB"),
        (999_960, "1.0 MB"),
        (5_000_000, "5.0 MB"),
        (123_000_000, "123.0 MB"),
        (5_120_000_000, "5.1 GB"),
        (89_000_000_000_000, "89,000.0 GB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1000, "1,000 files")])
def test_plural(number: int, text: str) -> None:
    assert plural(number, "file") == text


def test_a_summary_of_a_run_that_its_budget_ended() -> None:
    spent = Spent(gpu_minutes=29.7, pictures=8, money=1.98, currency="USD")
    stopped = outcome(done=8, spent=spent, budget="30 GPU minutes, 20 USD", stopped_by="budget")
    lines = list(outcome_lines(stopped))
    assert "spent: 30 GPU minutes, 8 pictures, 2 USD; the budget is 30 GPU minutes, 20 USD" in lines
    assert lines[-1] == "stopped at the budget with 2 left; run the same command again to spend as much once more"
    values = outcome_json(stopped)
    assert values["stopped_by"] == "budget"
    assert values["spent"] == {"gpu_minutes": 29.7, "pictures": 8, "money": 1.98, "currency": "USD"}
    hosted = outcome(spent=Spent(None, 1, None, "USD"), budget="1 picture")
    assert "spent: 1 picture; the budget is 1 picture" in list(outcome_lines(hosted))
