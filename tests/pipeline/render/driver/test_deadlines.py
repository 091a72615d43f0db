"""When a worker counts as hung, with a simulated clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.deadlines import (
    DEFAULT_STEPS,
    FIRST_SECONDS,
    FLOOR_SECONDS,
    MEDIAN_FACTOR,
    MIN_MEASUREMENTS,
    Deadlines,
)
from tests.pipeline.deliver.records import variant


def rendering(deadlines: Deadlines, *variants: Variant, now: float = 0.0) -> Deadlines:
    deadlines.finish_loading("one", now)
    for started in variants:
        deadlines.start("one", started, now)
    return deadlines


def limit_of(deadlines: Deadlines) -> float | None:
    """The limit of worker `one`, in seconds from 0."""
    limit = dict(deadlines.overdue(10**9)).get("one")
    if limit is not None:
        assert not list(deadlines.overdue(limit))
        assert list(deadlines.overdue(limit + 0.1)) == [("one", limit)]
    return limit


def measured(seconds: float, example: Variant, count: int = MIN_MEASUREMENTS) -> Deadlines:
    deadlines = Deadlines()
    for _ in range(count):
        deadlines.measure(example, seconds)
    return deadlines


def test_an_idle_worker_has_no_deadline() -> None:
    assert limit_of(rendering(Deadlines(5.0))) is None


def test_the_first_pictures_have_a_generous_limit() -> None:
    assert limit_of(rendering(Deadlines(), variant(0))) == FIRST_SECONDS
    assert limit_of(rendering(measured(100.0, variant(0), MIN_MEASUREMENTS - 1), variant(0))) == FIRST_SECONDS


def test_loading_has_the_same_limit_as_the_first_pictures() -> None:
    deadlines = Deadlines(5.0)
    deadlines.start_loading("one", 0.0)
    assert limit_of(deadlines) == FIRST_SECONDS


@pytest.mark.parametrize(
    ("seconds", "changes", "limit"),
    [
        (0.1, {}, FLOOR_SECONDS),
        (200.0, {}, MEDIAN_FACTOR * 200),
        (200.0, {"width": 128}, 2 * MEDIAN_FACTOR * 200),
        (200.0, {"steps": 20}, 5 * MEDIAN_FACTOR * 200),
        (200.0, {"steps": None}, DEFAULT_STEPS / 4 * MEDIAN_FACTOR * 200),
    ],
)
def test_the_median_of_other_pictures_sets_the_limit(seconds: float, changes: dict[str, int], limit: float) -> None:
    deadlines = rendering(measured(seconds, variant(0)), replace(variant(1), **changes))  # type: ignore[arg-type]
    assert limit_of(deadlines) == pytest.approx(limit)


def test_a_few_slow_pictures_do_not_change_the_limit() -> None:
    deadlines = measured(200.0, variant(0), 10)
    for _ in range(4):
        deadlines.measure(variant(0), 10_000.0)
    assert limit_of(rendering(deadlines, variant(1))) == pytest.approx(MEDIAN_FACTOR * 200)


def test_a_batch_has_the_sum_of_its_pictures_limits() -> None:
    batch = [variant(number) for number in range(5)]
    assert limit_of(rendering(measured(200.0, variant(0)), *batch)) == pytest.approx(5 * MEDIAN_FACTOR * 200)
    assert limit_of(rendering(Deadlines(7.0), *batch)) == 5 * 7


def test_each_finished_picture_restarts_the_clock() -> None:
    deadlines = rendering(Deadlines(10.0), variant(0), variant(1))
    deadlines.finish("one", variant(0).render_key, 19.0)
    assert not list(deadlines.overdue(28.0))
    assert list(deadlines.overdue(30.0)) == [("one", 10.0)]
    deadlines.finish("one", variant(1).render_key, 30.0)
    deadlines.start("one", variant(2), 500.0)
    assert not list(deadlines.overdue(509.0))


def test_a_picture_that_finishes_twice_does_not_restart_the_clock() -> None:
    deadlines = rendering(Deadlines(10.0), variant(0), variant(1))
    for moment in (5.0, 14.0):
        deadlines.finish("one", variant(0).render_key, moment)
    assert list(deadlines.overdue(16.0)) == [("one", 10.0)]


def test_waiting_for_the_store_does_not_count() -> None:
    deadlines = rendering(Deadlines(10.0), variant(0))
    deadlines.set_waiting("one", True, 5.0)
    assert not list(deadlines.overdue(10**6))
    deadlines.set_waiting("one", False, 1000.0)
    assert not list(deadlines.overdue(1009.0))
    assert list(deadlines.overdue(1011.0)) == [("one", 10.0)]


def test_a_removed_worker_is_not_overdue() -> None:
    deadlines = rendering(Deadlines(10.0), variant(0))
    deadlines.remove("one")
    deadlines.remove("never there")
    assert not list(deadlines.overdue(10**6))
