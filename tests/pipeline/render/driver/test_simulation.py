"""The dispatcher's policy in simulated runs: cache hit rate and total time, compared with the optimum."""

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
    sets: Sequence[int], speeds: Sequence[float], cost: float, *, expected: float | None = None, **options: object
) -> Outcome:
    """sets: the number of variants of each set. expected: the dispatcher's estimate of the warm-up cost (default: the
    actual cost)."""
    all_variants = variants(**{f"set{number:05}": count for number, count in enumerate(sets)})
    estimate = cost if expected is None else expected
    dispatcher = Dispatcher(all_variants, len(speeds), warmup_cost=lambda variant: estimate)
    outcome = simulate(dispatcher, all_variants, speeds, warmup_cost=lambda variant: cost, **options)  # type: ignore[arg-type]
    assert sorted(outcome.rendered) == sorted(variant.render_key for variant in all_variants)
    assert dispatcher.finished
    return outcome


@pytest.mark.parametrize(
    ("sets", "speeds", "loaded", "cost", "hits", "time"),
    [
        ([50] * 20, EVEN, (), 1, 0.97, 1.01),  # the goal: 20 sets of 50 variants, 8 workers
        ([50] * 20, EVEN, (), 10, 0.97, 1.05),
        ([50] * 20, MIXED, (), 1, 0.97, 1.05),
        ([50] * 20, EVEN, LATE, 1, 0.96, 1.10),  # 1.06 would be ideal: the last worker is 60 s late
        ([100] * 3, EVEN, (), 1, 0.95, 1.06),  # more workers than sets
        ([1000], EVEN, (), 1, 0.99, 1.01),
        ([500] + [10] * 50, EVEN, (), 1, 0.94, 1.02),  # one set is much larger than the others
        (ZIPF, EVEN, (), 2, 0.90, 1.01),
        ([2] * 500, EVEN, (), 1, 0.49, 1.01),  # 0.5 is the maximum
        ([1] * 1000, MIXED, (), 1, 0.0, 1.03),
        ([12] * 9, EVEN, (), 1, 0.85, 1.10),
    ],
)
def test_workers_reuse_cached_sets_and_finish_together(
    sets: list[int], speeds: list[float], loaded: list[float], cost: float, hits: float, time: float
) -> None:
    outcome = run(sets, speeds, cost, loaded=loaded)
    assert outcome.hit_rate >= hits
    assert outcome.makespan <= time * outcome.work


@pytest.mark.parametrize("expected", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("cost", [0.0, 1.0, 3.0])
def test_a_wrong_warmup_cost_does_little_harm(cost: float, expected: float) -> None:
    outcome = run([50] * 20, MIXED, cost, expected=expected)
    assert outcome.hit_rate >= 0.95
    assert outcome.makespan <= 1.12 * outcome.work


def test_a_cache_of_one_set_is_enough() -> None:
    assert run([50] * 20, EVEN, 2, cached_sets=1).hit_rate >= 0.95


def test_the_last_pictures_of_a_set_stay_with_the_worker_that_cached_it() -> None:
    """Two sets, two workers: preparing the set costs more than rendering what is left of it."""
    assert run([30, 6], [1.0, 1.0], 30).hits == 36 - 2
    assert run([30, 6], [1.0, 1.0], 30, expected=1).hits == 36 - 3


def test_ten_thousand_sets_on_many_workers() -> None:
    outcome = run([2] * 10_000, [1.0] * 64, 1)
    assert outcome.hit_rate >= 0.49
    assert outcome.makespan <= 1.01 * outcome.work
