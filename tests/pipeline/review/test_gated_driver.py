"""Whole runs with a quality gate on a real Ray: retries with two workers, within a budget, and after a kill."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from brandpress.pipeline.cli.text import outcome_lines
from brandpress.pipeline.deliver.lease import LEASE
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import Event, Judged, VariantRecorded, Warned, WorkersStarting
from brandpress.pipeline.review.picture_gate import CampaignGate
from brandpress.pipeline.spec.budget import Budget
from tests.campaigns import plan_of
from tests.gated_runs import run_gated
from tests.pipeline.review.test_gated_run import folder_of, listed, manifest_of, seeds, write_job
from tests.processes import driver, read_events


def render(job: Path, events: list[Event], **options: object) -> Outcome:
    plan = plan_of(job)
    gate = CampaignGate.of(plan)
    return render_campaign(plan, renderer="tests.stand_in:load", gate=gate, on_event=events.append, **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_workers_and_a_budget_come_to_the_manifest_of_a_run_without_ray(ray: Resources, tmp_path: Path) -> None:
    without, with_ray = write_job(tmp_path / "without"), write_job(tmp_path / "ray")
    run_gated(without)
    events: list[Event] = []
    outcome = render(with_ray, events, workers=2, budget=Budget(pictures=5))
    assert outcome.spent is not None
    assert (outcome.spent.pictures, outcome.stopped_by) == (5, "budget")
    outcome = render(with_ray, events, workers=2)
    assert manifest_of(with_ray).digest == manifest_of(without).digest
    assert {scene: fields["verdict"] for scene, fields in listed(with_ray).items()} == {
        scene: fields["verdict"] for scene, fields in listed(without).items()
    }
    assert outcome.gate is not None
    assert outcome.gate.flagged == 1
    assert (outcome.skipped + outcome.done, outcome.failed, outcome.left) == (4, 0, 0)
    assert sum(isinstance(event, VariantRecorded) for event in events) == 9
    assert sum(isinstance(event, WorkersStarting) for event in events) == 2  # once in each run
    assert any(isinstance(event, Judged) for event in events)
    assert any(isinstance(event, Warned) and "the quality gate blocks" in event.text for event in events)
    assert any(line.startswith("quality gate: ") and line.endswith(", 1 flagged") for line in outcome_lines(outcome))
    assert folder_of(with_ray).read(LEASE) is None


@pytest.mark.slow
def test_a_driver_that_is_killed_during_retries_is_continued_to_the_same_manifest(tmp_path: Path) -> None:
    whole, killed = write_job(tmp_path / "whole"), write_job(tmp_path / "killed")
    run_gated(whole)
    with driver(killed, "1") as process:
        recorded = 0
        for kind, _ in read_events(process):
            recorded += kind == "recorded"
            if recorded == 5:  # four first pictures, and the first retry
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    assert not (tmp_path / "killed" / "out" / "spring" / "latest.json").exists()
    before = set(folder_of(killed).list("records/"))
    assert len(before) >= 5
    rest = run_gated(killed)
    assert len(rest.rendered) == 9 - len(before)
    assert manifest_of(killed).digest == manifest_of(whole).digest
    assert seeds(killed) == seeds(whole)
