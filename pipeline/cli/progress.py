"""Shows a run's progress on stderr: a live display on a terminal, lines elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from brandpress.model.redaction import redacted
from brandpress.pipeline.cli.event_text import line_of
from brandpress.pipeline.cli.log_json import JsonLines, level_of
from brandpress.pipeline.cli.log_options import LogFormat, LogOptions
from brandpress.pipeline.cli.progress_lines import ProgressLines, time_stamp
from brandpress.pipeline.cli.text import printable
from brandpress.pipeline.render.events import Event, OnEvent, VariantRecorded

DEFAULTS = LogOptions()


@contextmanager
def progress(options: LogOptions = DEFAULTS) -> Iterator[OnEvent]:
    """Yields the function to call with each event of a run."""
    if options.format is LogFormat.JSON:
        yield JsonLines(quiet=options.quiet).show
        return
    if options.quiet:
        yield _show_warning
        return
    if not sys.stderr.isatty():
        yield ProgressLines().show
        return
    from rich.console import Console

    from brandpress.pipeline.cli.progress_display import live_display

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    if console.is_dumb_terminal:
        yield ProgressLines().show
        return
    with live_display(console) as show:
        yield show


def _show_warning(event: Event) -> None:
    """Prints what matters even to those who asked for quiet. The summary lists the pictures that failed."""
    line = line_of(event)
    if line and level_of(event) != "info" and not isinstance(event, VariantRecorded):
        print(f"{time_stamp()} {printable(redacted(line))}", file=sys.stderr, flush=True)
