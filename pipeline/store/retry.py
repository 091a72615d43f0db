"""A store that fails is tried again, less and less often, with jitter: what was rendered is dear."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from brandpress.pipeline.store.protocol import Entry, ObjectStat, Store, StoreError

PATIENCE_SECONDS = 900.0
HURRIED_SECONDS = 20.0
"""When somebody waits for the end."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
_Result = TypeVar("_Result")


class RetryPolicy:
    """So many seconds for each call, from its first failure on; fewer as soon as `hurried` says so."""

    def __init__(
        self,
        seconds: float = PATIENCE_SECONDS,
        hurried: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._hurried, self._sleep, self._clock = seconds, hurried, sleep, clock

    def call(self, action: Callable[[], _Result]) -> _Result:
        """What `action` returns, which may be called many times. Raises its StoreError at once where time doesn't help,
        and otherwise when patience ends."""
        start: float | None = None
        pause = FIRST_PAUSE
        while True:
            try:
                return action()
            except StoreError as error:
                now = self._clock()
                start = now if start is None else start
                allowed = min(self._seconds, HURRIED_SECONDS) if self._hurried() else self._seconds
                if error.scope != "moment" or now - start >= allowed:
                    raise
            self._sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
            pause = min(LONGEST_PAUSE, 2 * pause)


class RetryingStore:
    """A store each of whose calls is made with patience.

    Where the answer to a write was lost, the next try finds the object there: `create` and `replace` say False then,
    and whoever asked compares what stands there.
    """

    def __init__(self, store: Store, retry_policy: RetryPolicy) -> None:
        self._store, self._patience = store, retry_policy

    @property
    def uri(self) -> str:
        return self._store.uri

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._patience.call(lambda: self._store.create(key, data, content_type))

    def read(self, key: str) -> bytes | None:
        return self._patience.call(lambda: self._store.read(key))

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        return self._patience.call(lambda: self._store.replace(key, data, content_type, expected))

    def stat(self, key: str) -> ObjectStat | None:
        return self._patience.call(lambda: self._store.stat(key))

    def list(self, prefix: str) -> Iterator[str]:
        return iter(self._patience.call(lambda: [*self._store.list(prefix)]))

    def entries(self, prefix: str) -> Iterator[Entry]:
        return iter(self._patience.call(lambda: [*self._store.entries(prefix)]))

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        return iter(self._patience.call(lambda: [*self._store.leftovers(prefix)]))

    def delete(self, key: str) -> None:
        self._patience.call(lambda: self._store.delete(key))

    def check(self) -> tuple[str, ...]:
        return self._patience.call(self._store.check)
