"""The events of a run as lines of JSON on stderr, for programs that collect logs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

from brandpress.model.redaction import redacted
from brandpress.pipeline.cli.event_text import line_of
from brandpress.pipeline.cli.text import printable
from brandpress.pipeline.render.events import (
    Event,
    Judged,
    Planned,
    Stopping,
    VariantRecorded,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersLoading,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.run_progress import RunProgress

SCHEMA = "brandpress.log/1"
Level = Literal["info", "warning", "error"]


class JsonLines:
    """Prints a line for each event. quiet: only for those of the levels `warning` and `error`."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._quiet, self._clock = RunProgress(), quiet, clock

    def show(self, event: Event) -> None:
        """Takes up an event and prints its line, if it has one."""
        now = self._clock()
        self._progress.apply(event, now)
        message, level = line_of(event), level_of(event)
        if message is None or (self._quiet and level == "info"):
            return
        fields = fields_of(event)
        if isinstance(event, VariantRecorded):
            fields |= _counts(self._progress, now)
        print_log(level, name_of(event), message, **fields)


def print_log(level: Level, event: str, message: str, **fields: Any) -> None:
    """Prints one line of the log."""
    head = {"schema": SCHEMA, "time": _time(), "level": level, "event": event, "message": printable(redacted(message))}
    values = {name: redacted(value) if isinstance(value, str) else value for name, value in fields.items()}
    print(json.dumps({**head, **values}), file=sys.stderr, flush=True)


def level_of(event: Event) -> Level:
    """How much an event matters: `error` for a picture that failed, `warning` for what an operator should look at."""
    match event:
        case VariantRecorded(record) if record.status != "done":
            return "error"
        case Warned() | WorkerLost() | WorkersPending() | Stopping():
            return "warning"
        case _:
            return "info"


def name_of(event: Event) -> str:
    """The event's name in the log."""
    match event:
        case Planned():
            return "planned"
        case WorkersStarting():
            return "workers_starting"
        case WorkersPending():
            return "workers_pending"
        case WorkersLoading():
            return "workers_loading"
        case WorkerLoaded():
            return "worker_loaded"
        case WorkerLost():
            return "worker_lost"
        case VariantRecorded(record):
            return f"picture_{record.status}"
        case Judged():
            return "judged"
        case Stopping():
            return "stopping"
        case _:
            return "warning"


def fields_of(event: Event) -> dict[str, Any]:
    """The event's own fields in the log."""
    match event:
        case Planned(planned, done, todo, held_back):
            return {"planned": planned, "done_before": done, "to_render": todo, "held_back": held_back}
        case WorkersStarting(workers, gpus):
            return {"workers": workers, "gpus": gpus}
        case WorkersPending(workers):
            return {"workers": workers}
        case WorkersLoading(workers, seconds):
            return {"workers": workers, "seconds": round(seconds, 3)}
        case WorkerLoaded(worker, host, seconds, hostname=hostname, gpus=gpu):
            device = host.get("device", "")
            return {"worker": worker, "host": hostname, "gpu": gpu, "device": device, "seconds": round(seconds, 3)}
        case WorkerLost(worker, cause):
            return {"worker": worker, "cause": cause}
        case VariantRecorded(record):
            fields = {"worker": event.worker, "name": record.name, "render_key": record.render_key}
            return {**fields, "timings": dict(record.timings), "cause": record.cause}
        case Judged(done, total):
            return {"judged": done, "to_judge": total}
        case Stopping(cause, budget):
            return {"cause": cause, "budget": budget}
        case _:
            return {}


def _counts(progress: RunProgress, now: float) -> dict[str, Any]:
    rate, left = progress.rate(now), progress.seconds_left(now)
    return {
        "recorded": progress.recorded,
        "to_render": progress.todo,
        "failed": progress.failed,
        "pictures_per_minute": None if rate is None else round(60 * rate, 2),
        "seconds_left": None if left is None else round(left),
    }


def _time() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
