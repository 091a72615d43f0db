"""A run's metrics, which Ray exports for Prometheus on every node, as `ray_brandpress_…`.

They're recorded by the driver, which hears of everything. Nothing here can slow a run down or end it: each is a call
within this process, and the first error turns metrics off.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.events import (
    Event,
    OnEvent,
    Planned,
    VariantRecorded,
    WorkerLoaded,
    WorkerLost,
    WorkersStarting,
    WorkTime,
)
from brandpress.pipeline.render.run_progress import RunProgress

PREFIX = "brandpress_"
SECONDS = [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]
"""Boundaries of the histograms."""

COUNTERS = {
    "pictures": ("Pictures that are delivered or have failed.", ("campaign", "status")),
    "cache": ("Uses of caches.", ("campaign", "kind", "result")),
    "uploaded_bytes": ("Bytes of delivered pictures.", ("campaign",)),
    "worker_seconds": ("Time in which workers had work, and the part inside the model.", ("campaign", "kind")),
    "workers_lost": ("Workers that were lost.", ("campaign",)),
    "credits": ("What a hosted tier has charged, in its credits.", ("campaign",)),
}
GAUGES = {
    "pictures_left": ("Pictures that the run still has to render.", ("campaign",)),
    "workers": ("Workers by what they do: loading, rendering or waiting.", ("campaign", "state")),
}
HISTOGRAMS = {
    "picture_seconds": ("Seconds of a picture's stages.", ("campaign", "stage")),
    "load_seconds": ("Seconds in which a worker has loaded its model.", ("campaign",)),
}

_LOG = logging.getLogger(__name__)


def with_metrics(campaign: str, on_event: OnEvent) -> OnEvent:
    """Returns a function that records an event in the metrics of a campaign and passes it on."""
    metrics = RunMetrics(campaign)

    def record(event: Event) -> None:
        metrics.record(event)
        on_event(event)

    return record


class RunMetrics:
    """The metrics of one run. Those of Ray are made when workers start, which is when Ray is connected."""

    def __init__(self, campaign: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._campaign, self._progress, self._clock = campaign, RunProgress(), clock
        self._metrics: dict[str, Any] | None = None
        self._enabled = True

    def record(self, event: Event) -> None:
        """Takes up an event. Never raises."""
        if not self._enabled:
            return
        try:
            self._progress.apply(event, self._clock())
            if isinstance(event, WorkersStarting) and self._metrics is None:
                self._metrics = _new_metrics()
            if self._metrics is not None:
                self._record(event)
        except Exception:
            self._enabled = False
            _LOG.debug("metrics are turned off", exc_info=True)

    def _record(self, event: Event) -> None:
        match event:
            case VariantRecorded(record):
                self._record_picture(record)
            case WorkTime(busy, model):
                self._count("worker_seconds", busy, kind="busy")
                self._count("worker_seconds", model, kind="model")
            case WorkerLoaded(seconds=seconds):
                self._observe("load_seconds", seconds)
            case WorkerLost():
                self._count("workers_lost")
            case Planned() | WorkersStarting():
                pass
            case _:
                return  # the gauges stay as they are until something is recorded
        self._set_gauges()

    def _record_picture(self, record: Record) -> None:
        self._count("pictures", status=record.status)
        for stage, seconds in record.timings.items():
            self._observe("picture_seconds", seconds, stage=stage)
        for kind, hit in record.cache.items():
            self._count("cache", kind=kind, result="hit" if hit else "miss")
        self._count("uploaded_bytes", record.bytes or 0)
        self._count("credits", record.cost or 0)

    def _set_gauges(self) -> None:
        progress = self._progress
        self._set("pictures_left", max(0, progress.todo - progress.recorded))
        workers = progress.workers.values()
        rendering = sum(bool(worker.rendering) for worker in workers)
        loaded = sum(worker.loaded for worker in workers)
        self._set("workers", rendering, state="rendering")
        self._set("workers", max(0, loaded - rendering), state="waiting")
        self._set("workers", len(workers) - loaded + progress.starting, state="loading")

    def _count(self, name: str, amount: float = 1, **tags: str) -> None:
        if amount > 0:  # a counter of Ray's refuses 0
            self._metric(name).inc(amount, self._tags(tags))

    def _set(self, name: str, value: float, **tags: str) -> None:
        self._metric(name).set(value, self._tags(tags))

    def _observe(self, name: str, value: float, **tags: str) -> None:
        self._metric(name).observe(value, self._tags(tags))

    def _metric(self, name: str) -> Any:
        assert self._metrics is not None  # noqa: S101 - `record` has seen to it
        return self._metrics[name]

    def _tags(self, tags: dict[str, str]) -> dict[str, str]:
        return {"campaign": self._campaign, **tags}


def _new_metrics() -> dict[str, Any]:
    from ray.util.metrics import Counter, Gauge, Histogram

    metrics: dict[str, Any] = {}
    for name, (text, keys) in COUNTERS.items():
        metrics[name] = Counter(PREFIX + name, text, keys)
    for name, (text, keys) in GAUGES.items():
        metrics[name] = Gauge(PREFIX + name, text, keys)
    for name, (text, keys) in HISTOGRAMS.items():
        metrics[name] = Histogram(PREFIX + name, text, SECONDS, keys)
    return metrics
