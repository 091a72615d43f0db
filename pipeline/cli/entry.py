"""The command `brandpress`. Catches an interruption while the modules of the command line are imported, too."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line. Ends the process with one of the exit codes in `app`."""
    try:
        from brandpress.pipeline.cli.app import run

        code = run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(code)
