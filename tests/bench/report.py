"""A benchmark report: rows as text cells, tables for a terminal, and JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tests.bench.row import Row

COLUMNS = ("benchmark", "ours", "compared with", "ratio", "spread", "goal", "met", "results")
RATIOS = {"theirs/ours": "{:.2f}x as fast", "ours/theirs": "{:.2f}x as much", "ours": "{:.2f}"}


@dataclass(frozen=True)
class Report:
    """The rows of a run, with its machine and versions. quick: a run with tiny sizes, whose figures mean nothing."""

    host: dict[str, str]
    quick: bool
    rows: tuple[Row, ...]

    @property
    def dates(self) -> tuple[str, ...]:
        """The dates of the rows' measurements; several if rows of an earlier run were kept."""
        return tuple(sorted({row.date for row in self.rows}))

    def as_json(self) -> dict[str, Any]:
        """Returns the report with each row's fields and derived values."""
        rows = [row.as_json() for row in self.rows]
        return {"quick": self.quick, "host": self.host, "rows": rows}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """The report that `as_json` returned."""
        return cls(values["host"], values["quick"], tuple(Row.from_json(row) for row in values["rows"]))


def tables_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Returns the rows of each table, keyed by the table's title."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    return tables


def cells(row: Row) -> tuple[str, ...]:
    """Returns a row's texts, one for each of COLUMNS."""
    compared_with = f"{quantity(statistics.median(row.theirs), row.unit)} ({row.beside})" if row.theirs else ""
    low, high = min(row.figures), max(row.figures)
    return (
        row.name,
        quantity(statistics.median(row.ours), row.unit),
        compared_with,
        RATIOS[row.figure].format(row.value),
        f"{low:.2f} to {high:.2f}" if len(row.figures) > 1 else "1 round",
        "" if row.goal is None else str(row.goal),
        {None: "", True: "yes", False: "no"}[row.met],
        "not comparable" if row.difference is None else str(row.difference),
    )


def quantity(value: float, unit: str) -> str:
    """Returns a figure with its unit, to about three digits."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def terminal_table(title: str, rows: Sequence[Row]) -> Table:
    """Returns a table for the terminal."""
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right", overflow="fold")
    for row in rows:
        table.add_row(*cells(row))
    return table
