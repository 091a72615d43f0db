"""How long a worker may be at a picture before it's taken to hang. Clocks are the caller's; seconds.

Pictures differ in size and steps, so what is compared is seconds per pixel and step. A renderer makes several at a time
and gives none before all are done: a worker has as long as all that it has begun may take together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from brandpress.pipeline.plan.variant import Variant

SLOWEST = 4.0
"""Times the running median."""

FLOOR_SECONDS = 300.0
"""A compiler, a cache that fills or a slow disk may hold a picture up for minutes."""

FIRST_SECONDS = 3600.0
"""While nothing is known of how long pictures take; and for loading a model."""

KNOWN_FROM = 3
REMEMBERED = 101
DEFAULT_STEPS = 4


@dataclass
class _Watched:
    since: float
    loading: bool = True
    waits: bool = False
    at_work: dict[str, float] = field(default_factory=dict)


class Deadlines:
    """Watches workers from their start. fixed: seconds per picture in place of what the median says."""

    def __init__(self, fixed: float | None = None) -> None:
        self._fixed = fixed
        self._workers: dict[str, _Watched] = {}
        self._paces: deque[float] = deque(maxlen=REMEMBERED)

    def starting(self, worker: str, now: float) -> None:
        """`worker` begins to load its model."""
        self._workers[worker] = _Watched(now)

    def loaded(self, worker: str, now: float) -> None:
        """`worker` has its model."""
        self._workers[worker] = _Watched(now, loading=False)

    def started(self, worker: str, variant: Variant, now: float) -> None:
        """`worker` has begun with a variant."""
        watched = self._workers[worker]
        if not watched.at_work:
            watched.since = now
        watched.at_work[variant.render_key] = _work(variant)

    def ended(self, worker: str, render_key: str, now: float) -> None:
        """The model of `worker` is done with a variant, one way or another."""
        watched = self._workers[worker]
        if watched.at_work.pop(render_key, None) is not None:
            watched.since = now

    def took(self, variant: Variant, seconds: float) -> None:
        """A picture took the model so long."""
        self._paces.append(seconds / _work(variant))

    def waits(self, worker: str, waiting: bool, now: float) -> None:
        """`worker` waits for the store, which is no fault of its pictures; or no longer does."""
        watched = self._workers[worker]
        watched.waits, watched.since = waiting, now

    def forget(self, worker: str) -> None:
        """`worker` is gone."""
        self._workers.pop(worker, None)

    def overdue(self, now: float) -> Iterator[tuple[str, float]]:
        """Workers that had more than their time, each with the seconds that it had."""
        for worker, watched in list(self._workers.items()):
            limit = self._limit(watched)
            if limit is not None and now - watched.since > limit:
                yield worker, limit

    def _limit(self, watched: _Watched) -> float | None:
        if watched.loading:
            return FIRST_SECONDS
        if watched.waits or not watched.at_work:
            return None
        if self._fixed is not None:
            return self._fixed * len(watched.at_work)
        if len(self._paces) < KNOWN_FROM:
            return FIRST_SECONDS
        return max(FLOOR_SECONDS, SLOWEST * median(self._paces) * sum(watched.at_work.values()))


def _work(variant: Variant) -> float:
    """What decides how long a picture takes, near enough."""
    return float(variant.width * variant.height * (variant.steps or DEFAULT_STEPS))
