"""When a worker counts as hung. The caller passes the time; all values are in seconds.

Pictures differ in size and steps, so limits are based on seconds per pixel and step. A renderer may batch pictures and
return none until all are done, so a worker's limit covers everything it has started.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from brandpress.pipeline.plan.variant import Variant

MEDIAN_FACTOR = 4.0
"""Limit as a multiple of the running median."""

FLOOR_SECONDS = 300.0
"""A compiler, a cache that fills or a slow disk may delay a picture by minutes."""

FIRST_SECONDS = 3600.0
"""Limit for loading a model, and for pictures until enough of them have been measured."""

MIN_MEASUREMENTS = 3
MAX_MEASUREMENTS = 101
DEFAULT_STEPS = 4


@dataclass
class _Watch:
    since: float
    loading: bool = True
    waits_for_store: bool = False
    work: dict[str, float] = field(default_factory=dict)


class Deadlines:
    """Tracks workers from their start. fixed: seconds per picture, replacing the limit from the median."""

    def __init__(self, fixed: float | None = None) -> None:
        self._fixed = fixed
        self._workers: dict[str, _Watch] = {}
        self._paces: deque[float] = deque(maxlen=MAX_MEASUREMENTS)

    def start_loading(self, worker: str, now: float) -> None:
        """The process of `worker` runs and loads its model. Until then, it waits for resources, without a limit."""
        self._workers.setdefault(worker, _Watch(now))

    def finish_loading(self, worker: str, now: float) -> None:
        """`worker` has loaded its model."""
        self._workers[worker] = _Watch(now, loading=False)

    def start(self, worker: str, variant: Variant, now: float) -> None:
        """`worker` has started a variant."""
        watch = self._workers[worker]
        if not watch.work:
            watch.since = now
        watch.work[variant.render_key] = _work(variant)

    def finish(self, worker: str, render_key: str, now: float) -> None:
        """The model of `worker` has finished a variant, successfully or not."""
        watch = self._workers[worker]
        if watch.work.pop(render_key, None) is not None:
            watch.since = now

    def measure(self, variant: Variant, seconds: float) -> None:
        """Adds the time that the model took for a variant to the running median."""
        self._paces.append(seconds / _work(variant))

    def set_waiting(self, worker: str, waiting: bool, now: float) -> None:
        """`worker` started or stopped waiting for the store, which doesn't count against its pictures."""
        watch = self._workers[worker]
        watch.waits_for_store, watch.since = waiting, now

    def remove(self, worker: str) -> None:
        """Stops tracking `worker`."""
        self._workers.pop(worker, None)

    def overdue(self, now: float) -> Iterator[tuple[str, float]]:
        """Yields each worker that has exceeded its limit, with the limit in seconds."""
        for worker, watch in list(self._workers.items()):
            limit = self._limit(watch)
            if limit is not None and now - watch.since > limit:
                yield worker, limit

    def _limit(self, watch: _Watch) -> float | None:
        if watch.loading:
            return FIRST_SECONDS
        if watch.waits_for_store or not watch.work:
            return None
        if self._fixed is not None:
            return self._fixed * len(watch.work)
        if len(self._paces) < MIN_MEASUREMENTS:
            return FIRST_SECONDS
        return max(FLOOR_SECONDS, MEDIAN_FACTOR * median(self._paces) * sum(watch.work.values()))


def _work(variant: Variant) -> float:
    """Pixels times steps: what a picture's time is roughly proportional to."""
    return float(variant.width * variant.height * (variant.steps or DEFAULT_STEPS))
