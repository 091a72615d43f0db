"""Lengths of the stages and the learning-rate schedule."""

from __future__ import annotations

from itertools import pairwise

import pytest

from brandpress.model.nano.training.schedule import (
    SHARES,
    BudgetError,
    Clock,
    StepSchedule,
    TimeSchedule,
    learning_rate_factor,
    stage_ends,
)


class ManualClock(Clock):
    """A clock that is set by hand."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def used(self) -> float:
        return self.seconds


def test_stages_divide_the_budget_in_order() -> None:
    ends = stage_ends(600)
    assert list(ends) == ["autoencoder", "transformer", "decoder", "evaluation"]
    assert list(ends.values()) == pytest.approx([144, 522, 570, 600])
    assert sum(SHARES.values()) == pytest.approx(1)


def test_a_step_schedule_ends_after_its_steps() -> None:
    schedule = StepSchedule(4)
    assert [schedule.share(step) for step in (0, 1, 4)] == [0, 0.25, 1]
    assert schedule.label(3) == "3/4"
    assert StepSchedule(0).share(0) == 1


def test_a_time_schedule_ends_on_time_even_if_it_begins_late() -> None:
    clock = ManualClock(50)
    schedule = TimeSchedule(clock, began=50, ends=90, seconds=100)
    shares = []
    for clock.seconds in (50, 60, 90, 95):
        shares.append(schedule.share(0))
    assert shares == [0, 0.25, 1, 1.125]
    assert TimeSchedule(clock, began=95, ends=90, seconds=100).share(0) == 1, "no time is left"


def test_the_budget_error_names_the_minimum() -> None:
    message = str(BudgetError.of("transformer", used=99.0, seconds=60.0))
    assert message.startswith("--minutes 1: no time is left for the transformer's first step: 99.0 s are used and ")
    assert "ends at 52.2 s; set --minutes to at least 1.9, plus" in message
    assert stage_ends(60 * 1.9)["transformer"] > 99 > stage_ends(60 * 1.8)["transformer"]


def test_the_clock_continues_from_earlier_runs() -> None:
    assert Clock(30, now=iter([100.0, 102.0]).__next__).used() == 32
    assert Clock(30, started=95.0, now=lambda: 100.0).used() == 35


def test_the_learning_rate_warms_up_stays_constant_and_decays() -> None:
    rates = [learning_rate_factor(step, step / 1000, warm_up=100, decay_from=0.5) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01) and rates[99:500] == [1.0] * 401
    assert all(one > other for one, other in pairwise(rates[500:970]))
    assert rates[750] == pytest.approx(0.5) and rates[-1] == 0.05
    assert learning_rate_factor(500, 1.3, warm_up=100, decay_from=0.5) == 0.05, (
        "a step may take longer than the rest of the stage"
    )
