"""Workers between their request and their first work: pending, loading, checked. The caller passes the time, in s."""

from __future__ import annotations

from dataclasses import dataclass

NOTICE_SECONDS = 10.0
REPEAT_SECONDS = 60.0
"""A notice of pending or loading workers comes after the first time, and again after each of the second."""


@dataclass
class _Start:
    since: float
    running: bool = False


class LoadingNotice:
    """When to report that workers load their model. at_once: as soon as they do, because waiting was reported."""

    def __init__(self) -> None:
        self.at_once = False
        self._since = 0.0
        self._next: float | None = None

    def due(self, loading: int, now: float) -> float | None:
        """See `Startup.loading_seconds`."""
        if not loading:
            self._next = None
            return None
        if self._next is None:
            self._since, self._next = now, now if self.at_once else now + NOTICE_SECONDS
        if now < self._next:
            return None
        self._next, self.at_once = now + REPEAT_SECONDS, False
        return now - self._since


class Startup:
    """Which workers wait for resources, and whether pictures may be handed out yet.

    A worker is pending until its process runs. On a cluster of several nodes, no work is handed out until every worker
    whose process runs has checked its node (`pass_check`), so that an unfit node ends the run before it has rendered.
    """

    def __init__(self, *, check_together: bool = False) -> None:
        """check_together: all workers' nodes are checked before any of them works."""
        self._check_together = check_together
        self._starts: dict[str, _Start] = {}
        self._next_notice: float | None = None
        self._loading = LoadingNotice()
        self._starved_since: float | None = None

    def start(self, worker: str, now: float) -> None:
        """`worker` has been requested."""
        self._starts[worker] = _Start(now)

    def run(self, worker: str) -> None:
        """The process of `worker` runs."""
        if worker in self._starts:
            self._starts[worker].running = True

    def remove(self, worker: str) -> None:
        """`worker` has checked its node or loaded its model, or is gone."""
        self._starts.pop(worker, None)

    @property
    def pending(self) -> tuple[str, ...]:
        """The workers whose process doesn't run yet, in the order of their requests."""
        return tuple(worker for worker, start in self._starts.items() if not start.running)

    def holds_work_back(self, now: float) -> bool:
        """Whether a worker still checks its node, or may be about to: it has been requested moments ago."""
        return self._check_together and any(
            start.running or now - start.since < NOTICE_SECONDS for start in self._starts.values()
        )

    def release(self) -> None:
        """Work has been handed out: from now on, each worker is checked by itself."""
        self._check_together = False

    def notice_due(self, now: float) -> bool:
        """Whether it's time to tell that workers are pending. A notice counts as given."""
        pending = [start.since for start in self._starts.values() if not start.running]
        if not pending:
            self._next_notice = None
            return False
        if self._next_notice is None:
            self._next_notice = min(pending) + NOTICE_SECONDS
        if now < self._next_notice:
            return False
        self._next_notice = now + REPEAT_SECONDS
        self._loading.at_once = True
        return True

    def loading_seconds(self, loading: int, now: float) -> float | None:
        """Returns for how long `loading` workers load their model if a notice is due, otherwise None. A notice counts
        as given. While workers are pending, that is reported instead."""
        return self._loading.due(0 if self.pending else loading, now)

    def starved_seconds(self, workers: int, now: float) -> float:
        """Returns for how long all of the run's `workers` have been pending."""
        if len(self.pending) < workers or not workers:
            self._starved_since = None
            return 0.0
        if self._starved_since is None:
            self._starved_since = now
        return now - self._starved_since
