"""The command `brandpress`. Catches an interruption while the modules of the command line are imported, too."""

from __future__ import annotations

import gc
import sys

ALLOCATIONS_PER_COLLECTION = 50_000
"""Plans of a catalogue are millions of objects without cycles. With Python's 700, looking for cycles takes a seventh of
the time that 100,000 variants take to plan."""


def main() -> None:
    """Runs the command line. Ends the process with one of the exit codes in `app`."""
    gc.set_threshold(ALLOCATIONS_PER_COLLECTION)
    try:
        from brandpress.pipeline.cli.app import run

        code = run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
