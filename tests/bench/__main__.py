"""`python -m tests.bench [--quick] [--json FILE]`: ours against diffusers, the decoder in bands against itself in
one piece, and loading against reading alone; exit code 1 where results differ."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import transformers
from rich.console import Console

from tests.bench import loading
from tests.bench.alternate import Contest, alternate
from tests.bench.pictures import campaign, one_of_nano
from tests.bench.report import as_json, table
from tests.bench.step import transformer_step
from tests.bench.tiles import QUICK_SIZE, SIZE, tiles

ROUNDS, QUICK_ROUNDS = 7, 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and few: proves that it runs, measures nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--nano", default="nano", metavar="FOLDER", help="another nano than the one that is shipped")
    options = parser.parse_args()
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        contests: tuple[Callable[[], Contest[Any]], ...] = (
            lambda: transformer_step(options.quick),
            lambda: campaign(options.quick, Path(folder)),
            lambda: one_of_nano(options.quick, options.nano),
        )
        for make in contests:
            rows.append(alternate(make(), rounds))
    decoded = tiles(QUICK_SIZE if options.quick else SIZE)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table(rows))
    console.print(decoded.table())
    loaded = loading.loading(options.quick)
    console.print(loading.table(loaded))
    if options.json:
        figures = as_json(rows, rounds, options.quick) | {"tiles": decoded.as_json()}
        figures["loading"] = [row.as_json() for row in loaded]
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if decoded.equal and all(row.equal for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
