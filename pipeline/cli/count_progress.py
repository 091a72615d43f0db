"""Shows on stderr how many of a known number of things are done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

LINE_SECONDS = 10.0
"""Time between two lines where stderr is no terminal."""


@contextmanager
def count_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields the function to call with the numbers of things done and of all. label: as in `pictures measured`."""
    if not sys.stderr.isatty():
        start = printed = time.monotonic()

        def line(done: int, total: int) -> None:
            nonlocal printed
            now = time.monotonic()
            if now - printed >= LINE_SECONDS or (printed > start and done == total):
                printed = now
                typer.echo(f"{done:,} of {total:,} {label}", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    columns = (BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn(label, markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
