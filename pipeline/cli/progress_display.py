"""A run's progress on a terminal: a bar with rate and time left, and a line for each worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console, ConsoleRenderable, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from brandpress.model.redaction import redacted
from brandpress.pipeline.cli.event_text import line_of, rate_text
from brandpress.pipeline.cli.text import plural, printable
from brandpress.pipeline.render.events import Event, Judged, OnEvent, VariantRecorded, WorkersLoading
from brandpress.pipeline.render.run_progress import RunProgress, WorkerProgress

REFRESHES = 4
"""A second."""

MAX_WORKERS = 12
"""Lines for workers, at most; fewer on a low terminal."""

BAR_WIDTH = 24
NARROW = 60
"""Columns below which the bar is left out, and so are the workers' places."""


@contextmanager
def live_display(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[OnEvent]:
    """Yields the function to call with each event of a run. What is drawn disappears with the block; lines of warnings
    and failures stay."""
    progress, lock = RunProgress(), Lock()  # drawn by a thread of rich's, too

    def draw() -> ConsoleRenderable:
        with lock:
            return drawing(progress, clock(), console.width, console.height)

    with Live(console=console, get_renderable=draw, refresh_per_second=REFRESHES, transient=True):

        def show(event: Event) -> None:
            with lock:
                progress.apply(event, clock())
            line = line_of(event)
            if isinstance(event, Judged | WorkersLoading) or (  # the workers' lines say so
                isinstance(event, VariantRecorded) and event.record.status == "done"
            ):
                return
            if line:
                console.print(printable(redacted(line)), soft_wrap=True)

        yield show


def drawing(progress: RunProgress, now: float, width: int, height: int) -> ConsoleRenderable:
    """Returns what a terminal of this size shows of a run."""
    return Group(_bar(progress, now, width), *_workers(progress, width, height))


def _bar(progress: RunProgress, now: float, width: int) -> ConsoleRenderable:
    if not progress.todo:
        return _line("planning" if not progress.planned else "")
    counts = f"{progress.recorded:,}/{progress.todo:,}"
    status = rate_text(progress, now) or _start_text(progress)
    if width < NARROW:
        return _line(f"{counts} {status}")
    row = Table.grid(padding=(0, 1))
    row.add_column(min_width=BAR_WIDTH, max_width=BAR_WIDTH)
    row.add_column(min_width=len(counts), no_wrap=True)
    row.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=progress.todo, completed=progress.recorded, width=BAR_WIDTH)
    row.add_row(bar, Text(counts), Text(printable(status)))
    return row


def _start_text(progress: RunProgress) -> str:
    return progress.pending or (f"{plural(progress.starting, 'worker')} starting" if progress.starting else "")


def _workers(progress: RunProgress, width: int, height: int) -> Iterator[ConsoleRenderable]:
    workers = list(progress.workers.values())
    room = max(1, min(MAX_WORKERS, height - 4))
    shown = workers if len(workers) <= room else workers[: room - 1]
    for worker in shown:
        yield _line("  ".join(_fields(worker, width)))
    if len(shown) < len(workers):
        busy = sum(bool(worker.rendering) for worker in workers[len(shown) :])
        yield _line(f"and {plural(len(workers) - len(shown), 'more worker')}, {busy:,} of them rendering")


def _fields(worker: WorkerProgress, width: int) -> tuple[str, ...]:
    if width < NARROW or not worker.place:
        return worker.name, worker.activity
    return worker.name, worker.place, worker.activity


def _line(text: str) -> Text:
    return Text(printable(redacted(text)), no_wrap=True, overflow="ellipsis")
