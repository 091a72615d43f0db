"""Retries: how many, how far apart, and when to give up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from brandpress.pipeline.store.protocol import Scope, StoreAddressError, StoreError
from brandpress.pipeline.store.retry import FIRST_BACKOFF, MAX_BACKOFF, URGENT_RETRY_SECONDS, RetryPolicy


class Clock:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def retry_policy(self, seconds: float, urgent: Callable[[], bool] = lambda: False) -> RetryPolicy:
        return RetryPolicy(seconds, urgent, self.sleep, lambda: self.now)


def failing(times: float, scope: Scope = "transient") -> Callable[[], str]:
    """Returns a function that fails `times` times, then returns "done"."""
    left = times

    def action() -> str:
        nonlocal left
        if left > 0:
            left -= 1
            raise StoreError("out", scope)
        return "done"

    return action


def test_success_needs_no_sleep() -> None:
    clock = Clock()
    assert clock.retry_policy(0.0).call(failing(0)) == "done"
    assert clock.sleeps == []


def test_backoff_grows_up_to_a_limit_with_jitter() -> None:
    clock = Clock()
    assert clock.retry_policy(10_000.0).call(failing(12)) == "done"
    backoffs = [min(MAX_BACKOFF, FIRST_BACKOFF * 2**attempt) for attempt in range(12)]
    assert all(backoff / 2 <= slept <= backoff for slept, backoff in zip(clock.sleeps, backoffs, strict=True))
    assert len({slept / backoff for slept, backoff in zip(clock.sleeps, backoffs, strict=True)}) > 1


def test_the_error_is_raised_after_the_deadline() -> None:
    clock = Clock()
    with pytest.raises(StoreError, match="out"):
        clock.retry_policy(100.0).call(failing(float("inf")))
    assert 100 <= clock.now <= 100 + MAX_BACKOFF


def test_the_deadline_counts_from_the_first_failure_of_each_call() -> None:
    clock = Clock()
    retry_policy = clock.retry_policy(1.0)
    for _ in range(20):
        assert retry_policy.call(failing(1)) == "done"
    assert clock.now > 1.0


def test_urgent_calls_have_a_shorter_deadline() -> None:
    clock = Clock()
    with pytest.raises(StoreError):
        clock.retry_policy(10_000.0, lambda: clock.now > 5).call(failing(float("inf")))
    assert URGENT_RETRY_SECONDS <= clock.now <= URGENT_RETRY_SECONDS + MAX_BACKOFF


@pytest.mark.parametrize(
    "error", [StoreError("the disk is full", "store"), StoreError("no", "key"), StoreAddressError("no"), ValueError()]
)
def test_permanent_errors_are_raised_immediately(error: Exception) -> None:
    clock = Clock()

    def action() -> None:
        raise error

    with pytest.raises(type(error)):
        clock.retry_policy(100.0).call(action)
    assert clock.sleeps == []
