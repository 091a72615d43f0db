"""Runs with a budget on a real Ray: they stop at it, publish what is done, and the next run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli.exit_codes import outcome_exit_code
from brandpress.pipeline.deliver.manifest import read_latest
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import Event, Stopping
from brandpress.pipeline.spec.budget import Budget
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import plan_of, write_campaign


def render(job: Path, events: list[Event] | None = None, **options: Any) -> Outcome:
    on_event = (lambda event: None) if events is None else events.append
    return render_campaign(plan_of(job), on_event=on_event, **{"renderer": "tests.stand_in:load"} | options)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_stops_at_its_budget_and_the_next_one_goes_on(ray: Resources, tmp_path: Path, workers: int) -> None:
    job = write_campaign(tmp_path, 6, budget={"pictures": 5})
    events: list[Event] = []
    first = render(job, events, workers=workers)
    assert (first.done, first.left, first.stopped_by, first.interrupted) == (5, 7, "budget", False)
    assert first.spent is not None
    assert (first.spent.pictures, outcome_exit_code(first)) == (5, 0)
    assert Stopping(budget="5 pictures") in events
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    assert (latest.manifest.counts.done, latest.manifest.counts.missing) == (5, 7), "what is done is published"
    assert verify(folder).problems == ()
    second = render(job, workers=workers, budget=Budget(pictures=100))
    assert (second.skipped, second.done, second.left) == (5, 5, 2), "the job's own budget is the stricter one"
    third = render(job, workers=workers)
    assert (third.skipped, third.done, third.left, third.stopped_by) == (10, 2, 0, None)


@pytest.mark.slow
def test_a_run_stops_once_its_minutes_are_spent(ray: Resources, tmp_path: Path) -> None:
    """Each picture takes half a second; the budget has room for some of them, and those in flight are finished."""
    scenes = {f"scene{number}": f"[sleep 0.5] {number}" for number in range(40)}
    outcome = render(write_campaign(tmp_path, scenes, products=("mug",)), budget=Budget(gpu_minutes=0.1))
    assert 0 < outcome.done < 40
    assert (outcome.failed, outcome.stopped_by, outcome.left) == (0, "budget", 40 - outcome.done)
    assert outcome.spent is not None
    assert outcome.spent.unit == "CPU minutes"


def test_a_budget_that_suffices_changes_nothing(ray: Resources, tmp_path: Path) -> None:
    outcome = render(write_campaign(tmp_path, 2), budget=Budget(gpu_minutes=60, pictures=4))
    assert (outcome.done, outcome.stopped_by, outcome.left) == (4, None, 0)


def test_a_hosted_tier_stops_at_the_money_that_it_charged(
    ray: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in charges 4.5 credits a picture, 0.045 USD."""
    monkeypatch.setenv("BFL_API_KEY", "none")
    job = write_campaign(tmp_path, 6, model="flux.2-pro", products=("mug",))
    outcome = render(job, renderer="tests.stand_in:load_hosted", budget=Budget(money=0.2))
    assert (outcome.done, outcome.stopped_by, outcome.left) == (4, "budget", 2)
    assert outcome.spent is not None
    assert (outcome.spent.gpu_minutes, outcome.spent.money) == (None, pytest.approx(0.18))


def test_a_budget_below_one_picture_renders_nothing(
    ray: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BFL_API_KEY", "none")
    job = write_campaign(tmp_path, 1, model="flux.2-pro")
    outcome = render(job, renderer="tests.stand_in:load_hosted", budget=Budget(money=0.01))
    assert (outcome.done, outcome.stopped_by, outcome_exit_code(outcome)) == (0, "budget", 4)


def test_money_without_a_price_is_refused_before_anything_is_rendered(ray: Resources, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"budget\.money: no price is known for a CPU"):
        render(write_campaign(tmp_path, 1), budget=Budget(money=1))
