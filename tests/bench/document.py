"""The benchmark's report as Markdown: `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench.report import COLUMNS, Report, cells, tables_of
from tests.bench.row import Row

HEAD = """# Benchmarks

Measured by `make bench` on {dates}. Each row times its two sides alternately in one process (memory, loading and Ray:
in child processes), with the same random weights, threads and inputs; which side goes first changes every round.
**ratio** is the median of the rounds, **spread** the minimum and maximum: `2.00x as fast` means that ours took half the
time of the other side, `0.60x as much` that ours used 60 % of the other side's time or memory. **results** is the
largest difference between the two sides' results, such as levels of 255 for pictures.
"""

QUICK = "**Figures of a `--quick` run: the sizes are tiny, and the figures only show that the benchmark runs.**\n"


def markdown(report: Report) -> str:
    """Returns the whole document."""
    lines = [HEAD.format(dates=" and ".join(report.dates))]
    if report.quick:
        lines.append(QUICK)
    lines += ["## Machine and versions", "", *grid(("component", "value"), report.host.items()), ""]
    for title, rows in tables_of(report.rows).items():
        lines += [f"## {title[0].upper()}{title[1:]}", "", *grid(COLUMNS, map(cells, rows)), ""]
        lines += [f"- **{row.name}**: {row.about}" for row in rows]
        lines.append("")
    lines += [goals(report.rows), ""]
    return "\n".join(lines)


def goals(rows: Iterable[Row]) -> str:
    """Returns how many goals are met, and the names of rows that miss theirs."""
    rows_with_goal = [row for row in rows if row.met is not None]
    missed = [row.name for row in rows_with_goal if not row.met]
    summary = f"{len(rows_with_goal) - len(missed)} of {len(rows_with_goal)} goals are met"
    return f"{summary}; not met: {'; '.join(missed)}." if missed else f"{summary}."


def grid(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Returns the lines of a Markdown table."""
    header = list(columns)
    lines = [header, ["---"] * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
