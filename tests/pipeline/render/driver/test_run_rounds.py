"""The rounds of a run: what they add up to, and what an error in a later one leaves. A function stands in for Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import RecordIndex
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.cluster import ClusterError
from brandpress.pipeline.render.driver.gate_rounds import GateRounds, Rendered
from brandpress.pipeline.render.driver.interrupt import StopSignal
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, StoreBlockedError
from brandpress.pipeline.render.driver.ray_round import RunContext
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.run_rounds import RunRounds
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.events import Event, Warned
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import plan_of, write_campaign


@dataclass
class Loop:
    """What a round's loop reports."""

    untried: tuple[Failure, ...] = ()
    recorded_elsewhere: int = 0
    busy_seconds: float = 4.0
    model_seconds: float = 3.0
    budget_reached: bool = False
    ended_early: str | None = None
    blocked: str | None = None


@dataclass
class Campaign:
    """A campaign of four pictures, whose rounds deliver what they are given. After the
    first round, one picture is deleted. errors: what later rounds raise instead."""

    path: Path
    errors: list[BrandpressError] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=lambda: [Loop() for _ in range(4)])
    events: list[Event] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = plan_of(write_campaign(self.path, 2))
        self.folder = open_campaign(str(self.path / "out"), "spring")
        self.stamp = stamp_of(self.plan.model)
        self.results = RunResults(self.folder, self.stamp)
        gate = GateRounds(None, self.results, None, None, self.events.append)
        spending, stop = Spending(None, read_prices()), StopSignal()
        run = RunContext(
            self.plan, self.folder, self.results, stop, self.events.append, False, 60.0, {}, spending, None
        )
        render: Any = self.render_round
        self.rounds = RunRounds(run, gate, self.folder, RecordIndex(), None, frozenset(), render)

    def render_round(self, run: RunContext, waiting: tuple[Variant, ...], *_: object) -> Loop:
        self.sizes.append(len(waiting))
        if len(self.sizes) > 1 and self.errors:
            raise self.errors.pop(0)
        for variant in waiting:
            record = new_record(variant, self.stamp, "done")
            self.results.add(deliver(self.folder, record, variant.asset, variant.name.encode()))
        if len(self.sizes) == 1:
            self.folder.delete(waiting[0].asset)
        return self.loops.pop(0)

    def render(self) -> Rendered:
        return self.rounds.render(self.plan, self.plan.variants)


@pytest.mark.parametrize("error", [NothingRenderedError("no worker could start"), ClusterError("Ray isn't there")])
def test_an_error_of_a_later_round_ends_the_run_and_keeps_what_is_delivered(
    tmp_path: Path, error: BrandpressError
) -> None:
    campaign = Campaign(tmp_path, [error])
    rendered = campaign.render()
    assert (campaign.sizes, len(rendered.index.done), rendered.ended) == ([4, 1], 3, True)
    assert campaign.rounds.totals.ended_early == str(error)
    assert [event for event in campaign.events if isinstance(event, Warned)][1:] == [
        Warned(f"the run ends early, and what it has delivered is published: {error}")
    ]


def test_a_store_that_rejects_all_writes_publishes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreBlockedError):
        Campaign(tmp_path, [StoreBlockedError("access denied", 4, 5)]).render()


def test_an_error_before_anything_is_delivered_is_the_runs_own(tmp_path: Path) -> None:
    def fail(*_: object) -> Loop:
        raise NothingRenderedError("no worker could start")

    campaign = Campaign(tmp_path)
    render: Callable[..., Any] = fail
    campaign.rounds._render = render
    with pytest.raises(NothingRenderedError):
        campaign.render()


def test_rounds_add_up(tmp_path: Path) -> None:
    """A variant that a later round is given again isn't untried any more."""
    campaign = Campaign(tmp_path)
    deleted, other = campaign.plan.variants[0].name, campaign.plan.variants[1].name
    untried = tuple(Failure(name, "no worker could be started") for name in (deleted, other))
    campaign.loops = [Loop(untried, 2, 4.0, 3.0), Loop((), 1, 6.0, 5.0)]
    assert len(campaign.render().index.done) == 4
    totals = campaign.rounds.totals
    assert (campaign.sizes, totals.recorded_elsewhere, totals.outside_model) == ([4, 1], 3, pytest.approx(0.2))
    assert [failure.name for failure in totals.untried] == [other]
