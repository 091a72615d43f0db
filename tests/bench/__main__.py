"""`python -m tests.bench`: time and memory of brandpress, compared with diffusers; `make bench` writes
docs/benchmarks.md with it. Exit code 1 if results differ or a row can't be measured."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from tests.bench.bench import Bench, Family
from tests.bench.checkpoint import hush
from tests.bench.child import log
from tests.bench.document import markdown
from tests.bench.families import FAMILIES, KEYS
from tests.bench.machine import host, today
from tests.bench.report import Report, tables_of, terminal_table
from tests.bench.row import Row

ROUNDS, QUICK_ROUNDS = 5, 1


def main() -> int:
    options = parse()
    hush()
    if options.quick:
        one_thread()
    rows = list(rows_of_earlier_run(options.keep, options.quick, options.only))
    failed = False
    for family in [family for family in FAMILIES if options.only & set(family.keys)]:
        with tempfile.TemporaryDirectory() as folder:
            failed = not measure_family(family, bench_of(options, Path(folder)), rows) or failed
        write(options.json, json.dumps(report_of(rows, options.quick).as_json(), indent=2, allow_nan=False) + "\n")
    report = report_of(rows, options.quick)
    console = Console(width=None if sys.stdout.isatty() else 160)
    for title, shown in tables_of(report.rows).items():
        console.print(terminal_table(title, shown))
    write(options.write, markdown(report))
    return 1 if failed or any(row.differs for row in report.rows) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only checks that it runs")
    parser.add_argument("--only", type=keys, default=frozenset(KEYS), metavar="NAME[,NAME]", help=", ".join(KEYS))
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, or {QUICK_ROUNDS} with --quick")
    parser.add_argument("--whole", action="store_true", help="have diffusers render every picture of every round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE, after each row")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables to FILE, as Markdown")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="the JSON of an earlier run, whose other rows are kept"
    )
    parser.add_argument("--nano", default="nano", metavar="FOLDER", help="a nano checkpoint other than the shipped one")
    return parser.parse_args()


def keys(words: str) -> frozenset[str]:
    """Parses the names of `--only`. Raises ArgumentTypeError with the allowed ones."""
    selected = frozenset(words.split(","))
    if unknown := selected - set(KEYS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: allowed: {', '.join(KEYS)}")
    return selected


def one_thread() -> None:
    """Limits torch to one thread: at tiny sizes, threads mostly wait for each other."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def bench_of(options: argparse.Namespace, folder: Path) -> Bench:
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return Bench(options.quick, rounds, options.only, options.whole, options.nano, folder, log)


def measure_family(family: Family, bench: Bench, rows: list[Row]) -> bool:
    """Appends a family's rows to `rows` and returns whether that succeeded; a failure doesn't lose the other rows."""
    try:
        for row in family.measure(bench):
            rows.append(replace(row, date=today()))
    except Exception:
        bench.log(f"{', '.join(family.keys)}: can't be measured\n{traceback.format_exc()}")
        return False
    return True


def rows_of_earlier_run(file: Path | None, quick: bool, excluded: Collection[str]) -> Iterator[Row]:
    """The rows of an earlier run, except those of some keys. Raises SystemExit if its machine, versions or --quick
    differ."""
    if file is None:
        return
    report = Report.from_json(json.loads(file.read_text()))
    if (report.host, report.quick) != (host(), quick):
        sys.exit(f"{file}: it was measured on another machine, with other versions or --quick; measure all rows again")
    yield from (row for row in report.rows if row.key not in excluded)


def report_of(rows: Iterable[Row], quick: bool) -> Report:
    """The rows in the order of KEYS."""
    return Report(host(), quick, tuple(sorted(rows, key=lambda row: KEYS.index(row.key))))


def write(file: Path | None, text: str) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
