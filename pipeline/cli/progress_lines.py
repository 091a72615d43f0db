"""A run's progress as lines with their time, where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from brandpress.model.redaction import redacted
from brandpress.pipeline.cli.event_text import line_of, rate_text
from brandpress.pipeline.cli.text import printable
from brandpress.pipeline.render.events import Event, Judged, VariantRecorded
from brandpress.pipeline.render.run_progress import RunProgress

STEPS = 20
"""A line for every twentieth of the pictures."""

LINE_SECONDS = 30.0
"""A line at least this often, if a picture is delivered."""


def time_stamp() -> str:
    """Returns the time in UTC as log lines have it: `2026-11-27T00:14:03Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ProgressLines:
    """Prints a line for each event, for failures, and for some of the pictures."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress, self._clock = RunProgress(), clock
        self._shown_step = 0
        self._shown_at = clock()

    def show(self, event: Event) -> None:
        """Takes up an event and prints its line, if it has one."""
        now = self._clock()
        self._progress.apply(event, now)
        line = line_of(event)
        if line and isinstance(event, VariantRecorded):
            line = self._picture_line(line, now) if self._is_shown(event, now) else None
        if isinstance(event, Judged):
            if event.done < event.total and now - self._shown_at < LINE_SECONDS:
                return
            self._shown_at = now
        if line:
            print(f"{time_stamp()} {printable(redacted(line))}", file=sys.stderr, flush=True)

    def _is_shown(self, event: VariantRecorded, now: float) -> bool:
        progress = self._progress
        step = progress.recorded * STEPS // max(1, progress.todo)
        due = step > self._shown_step or progress.recorded == 1 or now - self._shown_at >= LINE_SECONDS
        if due:
            self._shown_step, self._shown_at = step, now
        return due or event.record.status != "done"

    def _picture_line(self, line: str, now: float) -> str:
        rate = rate_text(self._progress, now)
        return f"[{self._progress.recorded:,}/{self._progress.todo:,}] {line}" + (f"; {rate}" if rate else "")
