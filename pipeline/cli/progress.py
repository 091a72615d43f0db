"""Shows a run's progress on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from brandpress.model.redaction import redacted
from brandpress.pipeline.cli.text import plural, printable
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    Stopping,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.pending import describe_pending


@contextmanager
def progress() -> Iterator[Callable[[Event], None]]:
    """Yields the function to call with each event of a run."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}", markup=False), console=console, transient=True) as bar:
        task = bar.add_task("planning", total=None)

        def show(event: Event) -> None:
            line = line_of(event)
            match event:
                case Planned(todo=todo):
                    bar.update(task, total=todo, description="starting" if todo else "")
                case VariantStarted(name=name):
                    bar.update(task, description=name)
                    line = None
                case VariantRecorded(record=record):
                    bar.advance(task)
                    line = line if record.status != "done" else None
            if line:
                console.print(printable(redacted(line)))

        yield show


class _Lines:
    """Prints a line per event with its time, and a count for each picture."""

    def __init__(self) -> None:
        self._recorded = self._todo = 0

    def show(self, event: Event) -> None:
        line = line_of(event)
        if isinstance(event, Planned):
            self._todo = event.todo
        if isinstance(event, VariantRecorded):
            self._recorded += 1
            line = f"[{self._recorded}/{self._todo}] {line}"
        if line:
            print(f"{time_stamp()} {printable(redacted(line))}", file=sys.stderr, flush=True)


def time_stamp() -> str:
    """Returns the time in UTC as log lines have it: `2026-11-27T00:14:03Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def line_of(event: Event) -> str | None:
    """Returns an event as one line, None if it isn't shown."""
    match event:
        case Planned(planned, done, todo, held_back):
            counts = f"{planned:,} pictures: {done:,} done before, {todo:,} to render now"
            return f"{counts}, {held_back:,} held back (use --retry-failed to retry them)" if held_back else counts
        case Warned(text):
            return f"warning: {text}"
        case WorkersStarting(workers, gpus, threads, dashboard, per_gpu):
            each = f"{plural(threads, 'CPU thread')} each"
            if gpus:
                each = "one GPU each" if per_gpu == 1 else f"{per_gpu} per GPU"
            url = f"; Ray's dashboard: {dashboard}" if dashboard else ""
            return f"{plural(workers, 'worker')} starting, {each}{url}"
        case WorkersPending():
            return describe_pending(event)
        case WorkerLoaded(worker=worker, host=host, seconds=seconds):
            return f"{worker} loaded the model in {seconds:.1f} s on {host.get('device', 'unknown')}"
        case WorkerLost(worker=worker, cause=cause):
            return f"{worker} was lost: {cause}"
        case VariantRecorded(record=record):
            if record.status == "done":
                return f"{record.name} ({record.timings.get('model', 0.0):.1f} s)"
            return f"{record.status}: {record.name}: {record.cause}"
        case Stopping(str(cause)):
            return f"stopping, because no more pictures can be made or stored: {cause}"
        case Stopping(budget=str(limits)):
            return f"stopping at the budget: {limits}"
        case Stopping():
            return "stopping after the current pictures are delivered; press Ctrl-C again to stop immediately"
        case _:
            return None
