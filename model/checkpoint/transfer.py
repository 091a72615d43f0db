"""The progress of a download: bytes counted over the library's threads, and shown on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

SHOWN = 20  # lines of one download where stderr is no terminal


class Counter:
    """Adds up what the library's progress bars are told. `bar` is the class of bars to give it."""

    def __init__(self, report: Callable[[int, int], None]) -> None:
        self._report = report
        self._lock = Lock()
        self._before = self._total = 0
        self._bars: dict[int, int] = {}
        self._stopped = False
        self.bar = _bar_of(self)

    def start(self, sizes: tuple[int, int]) -> None:
        """sizes: the bytes that were there before, and all."""
        self._before, self._total = sizes
        self._report(*sizes)

    def add(self, bar: int, number: int) -> None:
        """Bytes more (or, where a file begins anew, less) on one of the bars: one is told what comes in over the net,
        another what was written. Raises InterruptedError once it's stopped, which ends the transfer."""
        with self._lock:
            if self._stopped:
                raise InterruptedError
            self._bars[bar] = self._bars.get(bar, 0) + number
            self._report(min(self._before + max(self._bars.values()), self._total), self._total)

    def stop(self) -> None:
        self._stopped = True

    def finish(self) -> None:
        """All is there, whoever fetched it."""
        self._report(self._total, self._total)


def _bar_of(counter: Counter) -> type[Any]:
    from huggingface_hub.utils.tqdm import tqdm

    class Bar(tqdm):
        """Draws nothing. The library has bars that count bytes, and one that counts files."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._bytes = options.get("unit") == "B"
            super().__init__(*arguments, **(options | {"disable": True}))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            if self._bytes:
                counter.add(id(self), int(n or 0))

    return Bar


@contextmanager
def shown(hub: str) -> Iterator[Callable[[int, int], None]]:
    """What to call with the bytes of a repository that are done, and all: a bar on a terminal, elsewhere a line now and
    then."""
    if not sys.stderr.isatty():
        yield _Lines(f"downloading {hub}").show
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(hub.rpartition("/")[2], total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class _Lines:
    def __init__(self, title: str) -> None:
        self._title = title
        self._lines = -1

    def show(self, done: int, total: int) -> None:
        from rich.filesize import decimal

        lines = SHOWN * done // total if total else SHOWN
        if lines > self._lines:
            self._lines = lines
            print(f"{self._title}: {decimal(done)} of {decimal(total)}", file=sys.stderr, flush=True)
