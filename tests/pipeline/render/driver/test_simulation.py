"""The dispatcher's policy at work: how often a set is warm, and when all is done, against what is possible."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from brandpress.pipeline.render.driver.dispatcher import Dispatcher
from tests.pipeline.render.driver.simulation import Outcome, simulate
from tests.pipeline.render.driver.test_dispatcher import variants

EVEN = [1.0] * 8
MIXED = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 0.5, 0.5]
LATE = [0.0] * 7 + [60.0]
ZIPF = [max(1, 400 // (number + 1)) for number in range(200)]


def run(
    sets: Sequence[int], speeds: Sequence[float], cold: float, *, expected: float | None = None, **options: object
) -> Outcome:
    """sets: how many variants each has. expected: what the dispatcher takes a cold set to cost, else what it costs."""
    made = variants(**{f"set{number:05}": count for number, count in enumerate(sets)})
    told = cold if expected is None else expected
    dispatcher = Dispatcher(made, len(speeds), cold=lambda variant: told)
    outcome = simulate(dispatcher, made, speeds, cold=lambda variant: cold, **options)  # type: ignore[arg-type]
    assert sorted(outcome.rendered) == sorted(variant.render_key for variant in made)
    assert dispatcher.finished
    return outcome


@pytest.mark.parametrize(
    ("sets", "speeds", "loaded", "cold", "hits", "time"),
    [
        ([50] * 20, EVEN, (), 1, 0.97, 1.01),  # the goal: 20 sets of 50 variants, 8 workers
        ([50] * 20, EVEN, (), 10, 0.97, 1.05),
        ([50] * 20, MIXED, (), 1, 0.97, 1.05),
        ([50] * 20, EVEN, LATE, 1, 0.96, 1.10),  # 1.06 would be ideal: the last one is 60 s late
        ([100] * 3, EVEN, (), 1, 0.95, 1.06),  # more workers than sets
        ([1000], EVEN, (), 1, 0.99, 1.01),
        ([500] + [10] * 50, EVEN, (), 1, 0.94, 1.02),  # one is much larger than all others
        (ZIPF, EVEN, (), 2, 0.90, 1.01),
        ([2] * 500, EVEN, (), 1, 0.49, 1.01),  # half is all that can be
        ([1] * 1000, MIXED, (), 1, 0.0, 1.03),
        ([12] * 9, EVEN, (), 1, 0.85, 1.10),
    ],
)
def test_sets_stay_where_they_are_warm_and_all_workers_end_together(
    sets: list[int], speeds: list[float], loaded: list[float], cold: float, hits: float, time: float
) -> None:
    outcome = run(sets, speeds, cold, loaded=loaded)
    assert outcome.share_of_hits >= hits
    assert outcome.makespan <= time * outcome.work


@pytest.mark.parametrize("expected", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("cold", [0.0, 1.0, 3.0])
def test_a_wrong_guess_of_what_a_cold_set_costs_does_little_harm(cold: float, expected: float) -> None:
    outcome = run([50] * 20, MIXED, cold, expected=expected)
    assert outcome.share_of_hits >= 0.95
    assert outcome.makespan <= 1.12 * outcome.work


def test_a_cache_of_a_single_set_is_enough() -> None:
    assert run([50] * 20, EVEN, 2, kept=1).share_of_hits >= 0.95


def test_the_last_pictures_of_a_set_stay_with_its_worker_where_others_would_take_longer() -> None:
    """Two sets, two workers: a cold set is worse than all that is left of the larger one."""
    assert run([30, 6], [1.0, 1.0], 30).hits == 36 - 2
    assert run([30, 6], [1.0, 1.0], 30, expected=1).hits == 36 - 3


def test_ten_thousand_sets_on_many_workers() -> None:
    outcome = run([2] * 10_000, [1.0] * 64, 1)
    assert outcome.share_of_hits >= 0.49
    assert outcome.makespan <= 1.01 * outcome.work
