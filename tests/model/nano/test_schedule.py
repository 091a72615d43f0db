"""How long stages go on."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from brandpress.model.nano.schedule import SHARES, BudgetError, Clock, StepSchedule, TimeSchedule, rate, stage_ends


class Stopped(Clock):
    """A clock that is set by hand."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def used(self) -> float:
        return self.seconds


def test_stages_fill_the_budget_in_their_order() -> None:
    ends = stage_ends(600)
    assert list(ends) == ["autoencoder", "transformer", "decoder", "evaluation"]
    assert list(ends.values()) == pytest.approx([132, 492, 540, 600])
    assert sum(SHARES.values()) == pytest.approx(1)


def test_a_stage_of_steps_is_over_after_them() -> None:
    schedule = StepSchedule(4)
    assert [schedule.share(step) for step in (0, 1, 4)] == [0, 0.25, 1]
    assert schedule.label(3) == "3/4"
    assert StepSchedule(0).share(0) == 1


def test_a_stage_of_time_is_over_at_its_end_however_late_it_begins() -> None:
    clock = Stopped(50)
    schedule = TimeSchedule(clock, began=50, ends=90, seconds=100)
    shares = []
    for clock.seconds in (50, 60, 90, 95):
        shares.append(schedule.share(0))
    assert shares == [0, 0.25, 1, 1.125]
    assert TimeSchedule(clock, began=95, ends=90, seconds=100).share(0) == 1, "no time is left"


def test_a_budget_that_is_used_up_is_named_with_the_least_that_is_needed() -> None:
    said = str(BudgetError.of("transformer", used=99.0, seconds=60.0))
    assert said.startswith("--minutes 1: no time is left for the transformer's first step: 99.0 s are used")
    assert "ends at 49.2 s; give at least 2.1 minutes" in said
    assert stage_ends(60 * 2.1)["transformer"] > 99 > stage_ends(60 * 2.0)["transformer"]


def test_the_clock_goes_on_from_what_earlier_runs_used() -> None:
    assert Clock(30).used() == pytest.approx(30, abs=1)
    assert Clock(30, started=time.monotonic() - 5).used() == pytest.approx(35, abs=1)


def test_the_rate_warms_up_stays_and_falls() -> None:
    rates = [rate(step, step / 1000, warm_up=100, falls_from=0.5) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01) and rates[99:500] == [1.0] * 401
    assert all(one > other for one, other in pairwise(rates[500:970]))
    assert rates[750] == pytest.approx(0.5) and rates[-1] == 0.05
    assert rate(500, 1.3, warm_up=100, falls_from=0.5) == 0.05, "a step that takes longer than the stage"
