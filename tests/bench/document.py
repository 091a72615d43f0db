"""A benchmark's report as Markdown: what `docs/benchmarks.md` holds."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench.report import COLUMNS, Report, cells, tables_of
from tests.bench.row import Row

HEAD = """# Benchmarks

Measured by `make bench` on {dates}. Each row measures its sides in one process (memory, loading and Ray: in processes
of their own) in alternation, on the same random weights, threads and inputs; who goes first changes with each round.
**ratio** is the median of the rounds and **spread** their least and most: `2.00x` means that ours took half of the time
of what stands beside it, `0.60 of it` that ours took that part of it. **results** says how far the sides' pictures are
apart, in levels of 255, or that they can't be the same.
"""

QUICK = "**These are figures of `--quick`: sizes are tiny, and they only prove that it runs.**\n"


def markdown(report: Report) -> str:
    """The whole document."""
    lines = [HEAD.format(dates=" and ".join(report.dates))]
    if report.quick:
        lines.append(QUICK)
    lines += ["## Machine and versions", "", *grid(("what", "which"), report.host.items()), ""]
    for title, rows in tables_of(report.rows).items():
        lines += [f"## {title[0].upper()}{title[1:]}", "", *grid(COLUMNS, map(cells, rows)), ""]
        lines += [f"- **{row.name}**: {row.about}" for row in rows]
        lines.append("")
    lines += [goals(report.rows), ""]
    return "\n".join(lines)


def goals(rows: Iterable[Row]) -> str:
    """How many goals are met, and by name those that aren't."""
    judged = [row for row in rows if row.met is not None]
    missed = [row.name for row in judged if not row.met]
    summary = f"{len(judged) - len(missed)} of {len(judged)} goals are met"
    return f"{summary}; not met: {'; '.join(missed)}." if missed else f"{summary}."


def grid(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table."""
    heads = list(columns)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
