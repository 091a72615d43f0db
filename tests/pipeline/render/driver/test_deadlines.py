"""When a worker is taken to hang, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.deadlines import (
    DEFAULT_STEPS,
    FIRST_SECONDS,
    FLOOR_SECONDS,
    KNOWN_FROM,
    SLOWEST,
    Deadlines,
)
from tests.pipeline.deliver.records import variant


def at_work(deadlines: Deadlines, *variants: Variant, now: float = 0.0) -> Deadlines:
    deadlines.loaded("one", now)
    for made in variants:
        deadlines.started("one", made, now)
    return deadlines


def limit_of(deadlines: Deadlines) -> float | None:
    """How long worker `one` has, from moment 0 on."""
    found = dict(deadlines.overdue(10**9)).get("one")
    if found is not None:
        assert not list(deadlines.overdue(found))
        assert list(deadlines.overdue(found + 0.1)) == [("one", found)]
    return found


def known(seconds: float, made: Variant, count: int = KNOWN_FROM) -> Deadlines:
    deadlines = Deadlines()
    for _ in range(count):
        deadlines.took(made, seconds)
    return deadlines


def test_a_worker_that_has_nothing_to_do_has_no_deadline() -> None:
    assert limit_of(at_work(Deadlines(5.0))) is None


def test_while_nothing_is_known_there_is_plenty_of_time() -> None:
    assert limit_of(at_work(Deadlines(), variant(0))) == FIRST_SECONDS
    assert limit_of(at_work(known(100.0, variant(0), KNOWN_FROM - 1), variant(0))) == FIRST_SECONDS


def test_a_model_that_loads_has_as_much() -> None:
    deadlines = Deadlines(5.0)
    deadlines.starting("one", 0.0)
    assert limit_of(deadlines) == FIRST_SECONDS


@pytest.mark.parametrize(
    ("seconds", "changes", "limit"),
    [
        (0.1, {}, FLOOR_SECONDS),
        (200.0, {}, SLOWEST * 200),
        (200.0, {"width": 128}, 2 * SLOWEST * 200),
        (200.0, {"steps": 20}, 5 * SLOWEST * 200),
        (200.0, {"steps": None}, DEFAULT_STEPS / 4 * SLOWEST * 200),
    ],
)
def test_what_the_others_took_decides(seconds: float, changes: dict[str, int], limit: float) -> None:
    deadlines = at_work(known(seconds, variant(0)), replace(variant(1), **changes))  # type: ignore[arg-type]
    assert limit_of(deadlines) == pytest.approx(limit)


def test_slow_ones_move_the_median_and_not_the_limit_alone() -> None:
    deadlines = known(200.0, variant(0), 10)
    for _ in range(4):
        deadlines.took(variant(0), 10_000.0)
    assert limit_of(at_work(deadlines, variant(1))) == pytest.approx(SLOWEST * 200)


def test_a_batch_has_as_long_as_its_pictures_together() -> None:
    batch = [variant(number) for number in range(5)]
    assert limit_of(at_work(known(200.0, variant(0)), *batch)) == pytest.approx(5 * SLOWEST * 200)
    assert limit_of(at_work(Deadlines(7.0), *batch)) == 5 * 7


def test_each_picture_starts_the_clock_anew() -> None:
    deadlines = at_work(Deadlines(10.0), variant(0), variant(1))
    deadlines.ended("one", variant(0).render_key, 19.0)
    assert not list(deadlines.overdue(28.0))
    assert list(deadlines.overdue(30.0)) == [("one", 10.0)]
    deadlines.ended("one", variant(1).render_key, 30.0)
    deadlines.started("one", variant(2), 500.0)
    assert not list(deadlines.overdue(509.0))


def test_a_picture_that_ends_twice_gives_the_others_no_time() -> None:
    deadlines = at_work(Deadlines(10.0), variant(0), variant(1))
    for moment in (5.0, 14.0):
        deadlines.ended("one", variant(0).render_key, moment)
    assert list(deadlines.overdue(16.0)) == [("one", 10.0)]


def test_waiting_for_the_store_is_nobodys_fault() -> None:
    deadlines = at_work(Deadlines(10.0), variant(0))
    deadlines.waits("one", True, 5.0)
    assert not list(deadlines.overdue(10**6))
    deadlines.waits("one", False, 1000.0)
    assert not list(deadlines.overdue(1009.0))
    assert list(deadlines.overdue(1011.0)) == [("one", 10.0)]


def test_a_worker_that_is_gone_is_forgotten() -> None:
    deadlines = at_work(Deadlines(10.0), variant(0))
    deadlines.forget("one")
    deadlines.forget("never there")
    assert not list(deadlines.overdue(10**6))
