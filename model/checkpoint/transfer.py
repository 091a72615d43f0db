"""Download progress: counts bytes across huggingface_hub's threads and shows them on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from huggingface_hub.utils.tqdm import tqdm

MAX_LINES = 20  # per download, where stderr is not a terminal

Report = Callable[[int, int], None]
"""Called with the bytes downloaded so far and the total."""


class Counter:
    """Reports the progress of one download. `bar` is the `tqdm_class` to pass to `snapshot_download`."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lock = Lock()
        self._cached = self._total = 0
        self._bytes: dict[int, int] = {}
        self._stopped = False
        self.bar = type("Bar", (_Bar,), {"counter": self})

    def start(self, cached: int, total: int) -> None:
        """Report the bytes that are already in the cache, and the total."""
        self._cached, self._total = cached, total
        self._report(cached, total)

    def add(self, bar: int, number: int) -> None:
        """Add bytes to one bar; negative when the library restarts a file.

        The library counts the same bytes on two bars (received and written), so the larger one is reported. Raises
        InterruptedError after `stop`, which aborts the transfer.
        """
        with self._lock:
            if self._stopped:
                raise InterruptedError
            self._bytes[bar] = self._bytes.get(bar, 0) + number
            self._report(min(self._cached + max(self._bytes.values()), self._total), self._total)

    def stop(self) -> None:
        """Abort the transfer at its next update."""
        self._stopped = True

    def finish(self) -> None:
        """Report the total: another process may have downloaded some of the files."""
        self._report(self._total, self._total)


class _Bar(tqdm):
    """Draws nothing; passes byte counts on to `counter`. The library also has a bar that counts files."""

    counter: Counter

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._counts_bytes = options.get("unit") == "B"
        super().__init__(*arguments, **(options | {"disable": True}))  # type: ignore[no-untyped-call]

    def update(self, n: float | None = 1) -> None:
        if self._counts_bytes:
            self.counter.add(id(self), int(n or 0))


@contextmanager
def shown(hub: str) -> Iterator[Report]:
    """A function that shows the progress of a repository's download: a bar on a terminal, otherwise a few lines."""
    if not sys.stderr.isatty():
        yield _line_printer(f"downloading {hub}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(hub.rpartition("/")[2], total=None)
        yield lambda downloaded, total: bar.update(task, completed=downloaded, total=total)


def _line_printer(title: str) -> Report:
    from rich.filesize import decimal

    printed = -1

    def report(downloaded: int, total: int) -> None:
        nonlocal printed
        lines = MAX_LINES * downloaded // total if total else MAX_LINES
        if lines > printed:
            printed = lines
            print(f"{title}: {decimal(downloaded)} of {decimal(total)}", file=sys.stderr, flush=True)

    return report
