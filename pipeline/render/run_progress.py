"""How far a run is: counts, rate, time left, and what each worker does. Computed from events; time is an argument."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.events import (
    Event,
    GroupSubmitted,
    Judged,
    Planned,
    StoreWait,
    VariantOutOfMemory,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    WorkerDismissed,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.pending import describe_pending

RATE_SECONDS = 300.0
"""The rate is that of the last five minutes, so that it follows a change of the pictures' sizes or of the workers."""


@dataclass
class WorkerProgress:
    """What one worker does.

    place: its machine and device, as far as they are known. queued: variants that it has been given and hasn't started.
    rendering: render key -> name of those that its model has received. uploading: render keys of finished ones.
    waiting: it waits for the store.
    """

    name: str
    place: str
    loaded: bool = False
    queued: int = 0
    rendering: dict[str, str] = field(default_factory=dict)
    uploading: set[str] = field(default_factory=set)
    waiting: bool = False

    @property
    def activity(self) -> str:
        """`rendering mug/beach and 3 more, uploading 2`."""
        if not self.loaded:
            return "loading the model"
        uploading = f"uploading {len(self.uploading):,}" if self.uploading else ""
        if self.waiting:
            return f"waiting for the store, {uploading}".rstrip(", ")
        if self.rendering:
            first, others = next(iter(self.rendering.values())), len(self.rendering) - 1
            more = f" and {others:,} more" if others else ""
            return f"rendering {first}{more}, {uploading}".rstrip(", ")
        if self.queued:
            return f"preparing {self.queued:,}, {uploading}".rstrip(", ")
        return uploading or "idle"


class RunProgress:
    """The state of a run after the events so far. Runs that follow each other for one campaign add up."""

    def __init__(self) -> None:
        self.planned = self.done_before = self.done = self.failed = 0
        self.hits = self.uses = 0
        self.judging: Judged | None = None
        self.workers: dict[str, WorkerProgress] = {}
        self.starting = 0
        self.pending: str | None = None
        self._todo = 0
        self._recorded_at: deque[float] = deque(maxlen=100_000)
        self._rendering_since: float | None = None

    @property
    def todo(self) -> int:
        """How many pictures the run renders: more than were planned if some are rendered again meanwhile."""
        in_progress = sum(worker.queued + len(worker.rendering) for worker in self.workers.values())
        return max(self._todo, self.recorded + in_progress)

    @property
    def recorded(self) -> int:
        """How many pictures are delivered or have failed."""
        return self.done + self.failed

    @property
    def hit_rate(self) -> float | None:
        """The share of cache hits among all uses of caches; None before the first."""
        return self.hits / self.uses if self.uses else None

    def rate(self, now: float) -> float | None:
        """Pictures a second, of the last five minutes; None before there is one."""
        if self._rendering_since is None:
            return None
        begin = max(self._rendering_since, now - RATE_SECONDS)
        while self._recorded_at and self._recorded_at[0] < begin:
            self._recorded_at.popleft()
        return len(self._recorded_at) / (now - begin) if self._recorded_at and now > begin else None

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes at this rate; None if nothing is known."""
        rate = self.rate(now)
        return None if rate is None else max(0, self.todo - self.recorded) / rate

    def apply(self, event: Event, now: float) -> None:
        """Takes up an event that arrives `now`, in seconds of a clock that only goes forward."""
        match event:
            case Planned(planned, done, todo):
                self.planned, self.done_before, self._todo = planned, done, self.recorded + todo
            case WorkersStarting(workers=workers):
                self.starting, self.workers = workers, {}
            case WorkersPending():
                self.pending = describe_pending(event)
            case WorkerRunning(worker, _, hostname):
                self.workers[worker] = WorkerProgress(worker, hostname)
                self.starting, self.pending = max(0, self.starting - 1), None
            case WorkerLoaded():
                self._worker(event.worker).loaded = True
                self._worker(event.worker).place = _place(event)
                self._rendering_since = now if self._rendering_since is None else self._rendering_since
            case WorkerLost(worker=worker) | WorkerDismissed(worker):
                self.workers.pop(worker, None)
            case GroupSubmitted(worker, variants):
                self._worker(worker).queued += variants
            case VariantStarted():
                one = self._worker(event.worker)
                one.queued = max(0, one.queued - 1)
                one.rendering[event.render_key] = event.name
            case VariantRendered():
                self._worker(event.worker).rendering.pop(event.render_key, None)
                self._worker(event.worker).uploading.add(event.render_key)
            case VariantOutOfMemory():
                self._worker(event.worker).rendering.pop(event.render_key, None)
            case StoreWait(waiting):
                self._worker(event.worker).waiting = waiting
            case VariantRecorded(record):
                self._record(record, event.worker, now)
            case Judged(done, total):
                self.judging = event if done < total else None

    def _worker(self, name: str) -> WorkerProgress:
        return self.workers.setdefault(name, WorkerProgress(name, ""))

    def _record(self, record: Record, worker: str, now: float) -> None:
        if (one := self.workers.get(worker)) is not None:
            if record.render_key not in one.rendering and record.render_key not in one.uploading:
                one.queued = max(0, one.queued - 1)  # it was in the store already, and never started
            one.rendering.pop(record.render_key, None)
            one.uploading.discard(record.render_key)
        if record.status == "done":
            self.done += 1
        else:
            self.failed += 1
        self.hits += sum(map(bool, record.cache.values()))
        self.uses += len(record.cache)
        self._recorded_at.append(now)


def _place(loaded: WorkerLoaded) -> str:
    """`node-3, GPU 1` or `node-3, cpu`."""
    device = f"GPU {loaded.gpus}" if loaded.gpus else loaded.host.get("device", "")
    return ", ".join(text for text in (loaded.hostname, device) if text)
