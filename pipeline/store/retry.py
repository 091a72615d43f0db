"""Retries of transient store errors with exponential backoff and jitter: rendering a picture again costs far more."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper

RETRY_SECONDS = 900.0
URGENT_RETRY_SECONDS = 20.0
"""The limit while somebody waits for the process to end."""

FIRST_BACKOFF, MAX_BACKOFF = 0.25, 15.0
_Result = TypeVar("_Result")


class RetryPolicy:
    """How long failed calls are retried, and how they are spaced.

    seconds: the deadline of each call, counted from its first failure; 20 at most while `urgent()` is true.
    sleep, clock: for tests.
    """

    def __init__(
        self,
        seconds: float = RETRY_SECONDS,
        urgent: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._urgent, self._sleep, self._clock = seconds, urgent, sleep, clock

    def call(self, action: Callable[[], _Result]) -> _Result:
        """Returns the result of `action`, retried after transient errors.

        Re-raises permanent errors immediately, and transient ones after the deadline.
        """
        first_failure: float | None = None
        backoff = FIRST_BACKOFF
        while True:
            try:
                return action()
            except StoreError as error:
                now = self._clock()
                first_failure = now if first_failure is None else first_failure
                limit = min(self._seconds, URGENT_RETRY_SECONDS) if self._urgent() else self._seconds
                if error.scope != "transient" or now - first_failure >= limit:
                    raise
            self._sleep(backoff * random.uniform(0.5, 1.0))  # noqa: S311
            backoff = min(MAX_BACKOFF, 2 * backoff)


class RetryingStore(StoreWrapper):
    """A Store that makes every call with retries.

    If a write succeeds but its response is lost, the retry finds the object: `create` and `replace` then return False,
    and the caller compares what is stored.
    """

    def __init__(self, store: Store, retry_policy: RetryPolicy) -> None:
        super().__init__(store)
        self._retry_policy = retry_policy

    def _call(self, action: Callable[[], _Result]) -> _Result:
        return self._retry_policy.call(action)

    def _iterate(self, action: Callable[[], Iterator[_Result]]) -> Iterator[_Result]:
        """Reads a listing completely: one that fails halfway is read again from the start."""
        return iter(self._call(lambda: [*action()]))
