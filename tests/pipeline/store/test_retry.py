"""Trying again: how often, how long apart, and when not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from brandpress.pipeline.store.protocol import Scope, StoreAddressError, StoreError
from brandpress.pipeline.store.retry import FIRST_PAUSE, HURRIED_SECONDS, LONGEST_PAUSE, RetryPolicy


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def retry_policy(self, seconds: float, hurried: Callable[[], bool] = lambda: False) -> RetryPolicy:
        return RetryPolicy(seconds, hurried, self.sleep, lambda: self.now)


def failing(times: float, scope: Scope = "moment") -> Callable[[], str]:
    """Fails so many times, then answers."""
    left = times

    def action() -> str:
        nonlocal left
        if left > 0:
            left -= 1
            raise StoreError("out", scope)
        return "done"

    return action


def test_what_works_is_not_waited_for() -> None:
    clock = Clock()
    assert clock.retry_policy(0.0).call(failing(0)) == "done"
    assert clock.pauses == []


def test_pauses_grow_up_to_a_limit_and_differ() -> None:
    clock = Clock()
    assert clock.retry_policy(10_000.0).call(failing(12)) == "done"
    longest = [min(LONGEST_PAUSE, FIRST_PAUSE * 2**number) for number in range(12)]
    assert all(most / 2 <= pause <= most for pause, most in zip(clock.pauses, longest, strict=True))
    assert len({pause / most for pause, most in zip(clock.pauses, longest, strict=True)}) > 1


def test_patience_ends_with_the_error() -> None:
    clock = Clock()
    with pytest.raises(StoreError, match="out"):
        clock.retry_policy(100.0).call(failing(float("inf")))
    assert 100 <= clock.now <= 100 + LONGEST_PAUSE


def test_it_counts_from_the_first_failure_of_each_call() -> None:
    clock = Clock()
    retry_policy = clock.retry_policy(1.0)
    for _ in range(20):
        assert retry_policy.call(failing(1)) == "done"
    assert clock.now > 1.0


def test_who_is_in_a_hurry_waits_less() -> None:
    clock = Clock()
    with pytest.raises(StoreError):
        clock.retry_policy(10_000.0, lambda: clock.now > 5).call(failing(float("inf")))
    assert HURRIED_SECONDS <= clock.now <= HURRIED_SECONDS + LONGEST_PAUSE


@pytest.mark.parametrize(
    "error", [StoreError("the disk is full", "store"), StoreError("no", "key"), StoreAddressError("no"), ValueError()]
)
def test_what_time_does_not_mend_is_told_at_once(error: Exception) -> None:
    clock = Clock()

    def action() -> None:
        raise error

    with pytest.raises(type(error)):
        clock.retry_policy(100.0).call(action)
    assert clock.pauses == []
