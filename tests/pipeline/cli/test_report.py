"""What people and programs are told at the end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from brandpress.pipeline.cli.report import (
    duration,
    failure_lines,
    garbage_json,
    garbage_lines,
    outcome_json,
    outcome_lines,
    status_json,
    status_lines,
    verification_json,
    verification_lines,
)
from brandpress.pipeline.deliver.clean import GarbageSet
from brandpress.pipeline.deliver.status import CampaignStatus, Failure
from brandpress.pipeline.deliver.verify import Discrepancy, Verification
from brandpress.pipeline.render.driver.outcome import CacheUse
from brandpress.pipeline.store.protocol import Entry
from tests.pipeline.render.driver.test_outcome import outcome

FAILURE = Failure("mug/beach", "RuntimeError: no")


def test_a_summary_has_the_figures() -> None:
    done = outcome(done=8, failed=1, failures=(FAILURE,), cache={"text": CacheUse(6, 8)}, outside_model=0.0312)
    assert list(outcome_lines(done)) == [
        "10 planned: 0 done before, 8 rendered now, 1 failed, 1 left",
        "took 1 min 35 s, 11.9 s a picture",
        "cache hits: text 75% of 8",
        "time outside the model: 3.1% of the workers' busy time",
        "manifest: s3://assets/spring/manifests/00000001/manifest.json",
        "failed: mug/beach: RuntimeError: no",
        "`brandpress render --retry-failed` tries just these again",
    ]
    assert json.loads(json.dumps(outcome_json(done))) == {
        "counts": {"planned": 10, "skipped": 0, "done": 8, "failed": 1, "held_back": 0, "left": 1},
        "failed": [{"name": "mug/beach", "cause": "RuntimeError: no", "quarantined": False}],
        "held_back": [],
        "folder": "s3://assets/spring",
        "manifest": "manifests/00000001/manifest.json",
        "seconds": 95.0,
        "cost": None,
        "cache": {"text": {"hits": 6, "uses": 8}},
        "outside_model": 0.0312,
        "interrupted": False,
    }


def test_what_a_service_charged_is_said() -> None:
    charged = outcome(cost=1254.0)
    assert "cost: 1,254.0 credits" in list(outcome_lines(charged))
    assert outcome_json(charged)["cost"] == 1254.0


def test_an_interrupted_run_says_how_to_go_on() -> None:
    lines = list(outcome_lines(outcome(done=3, interrupted=True)))
    assert lines[0].endswith("7 left")
    assert lines[-1] == "interrupted; the same command goes on where this one ended"


def test_what_was_held_back_is_said_and_how_to_try_it() -> None:
    held_back = outcome(done=3, skipped=6, held_back=(replace(FAILURE, quarantined=True),))
    lines = list(outcome_lines(held_back))
    assert lines[0] == "10 planned: 6 done before, 3 rendered now, 0 failed, 1 held back, 0 left"
    assert lines[-2:] == [
        "held back: mug/beach: RuntimeError: no",
        "`brandpress render --retry-failed` tries just these again",
    ]
    told = outcome_json(held_back)
    assert (told["counts"]["held_back"], told["held_back"][0]["quarantined"]) == (1, True)


def test_quarantine_is_named() -> None:
    assert list(failure_lines((replace(FAILURE, quarantined=True),))) == ["quarantined: mug/beach: RuntimeError: no"]


def test_a_sweep_lists_what_would_go_and_says_what_went() -> None:
    sweep = GarbageSet((Entry("records/a.json", 1200, 0.0), Entry("assets/a.png", 5_000_000, 0.0)), (3, 4))
    assert list(garbage_lines(sweep, "out/spring", deleted=False)) == [
        "records/a.json (0.0 MB)",
        "assets/a.png (5.0 MB)",
        "2 objects, 5.0 MB can go from out/spring, 2 manifests kept; --yes deletes them",
    ]
    assert list(garbage_lines(sweep, "out/spring", deleted=True)) == [
        "2 objects, 5.0 MB deleted in out/spring, 2 manifests kept"
    ]
    assert garbage_json(sweep, "out/spring", deleted=True)["kept_manifests"] == [3, 4]
    assert list(garbage_lines(GarbageSet((), (1,)), "out", deleted=False)) == [
        "0 objects, 0.0 MB can go from out, 1 manifest kept"
    ]


def test_many_failures_are_cut_short() -> None:
    lines = list(failure_lines((FAILURE,) * 25))
    assert len(lines) == 21
    assert lines[-1] == "and 5 more; `brandpress status --json` lists all"


def test_status_and_verification() -> None:
    status = CampaignStatus(5, 3, 1, 1, (FAILURE,), None)
    assert list(status_lines(status, "out/spring")) == [
        "5 planned: 3 done, 1 failed, 1 missing",
        "nothing is published in out/spring",
        "failed: mug/beach: RuntimeError: no",
    ]
    assert status_json(status, "out/spring")["counts"] == {"planned": 5, "done": 3, "failed": 1, "missing": 1}
    problems = (Discrepancy("changed", "assets/a.png", "why"), Discrepancy("unknown", "x", "what"))
    verification = Verification("manifests/00000001/manifest.json", 7, 1234, problems)
    assert list(verification_lines(verification, "out/spring")) == [
        "out/spring/manifests/00000001/manifest.json",
        "7 objects, 1,234 bytes read again: 0 missing, 1 changed, 1 unknown",
        "changed: assets/a.png (why)",
        "unknown: x (what)",
    ]
    assert verification_json(verification, "out/spring")["intact"] is False


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 1 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
