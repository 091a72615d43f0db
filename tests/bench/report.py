"""A benchmark's rows as words, as tables for a terminal, and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from tests.bench.row import Row

COLUMNS = ("what", "ours", "beside", "ratio", "spread", "goal", "met", "results")
RATIOS = {"theirs/ours": "{:.2f}x", "ours/theirs": "{:.2f} of it", "ours": "{:.2f}"}


@dataclass(frozen=True)
class Report:
    """The rows of a run, with its machine and versions. quick: it only proves that it runs."""

    host: dict[str, str]
    quick: bool
    rows: tuple[Row, ...]

    @property
    def dates(self) -> tuple[str, ...]:
        """The days on which rows were measured: several where some are of an earlier run."""
        return tuple(sorted({row.date for row in self.rows}))

    def as_json(self) -> dict[str, Any]:
        rows = [row.as_json() for row in self.rows]
        return {"quick": self.quick, "host": self.host, "rows": rows}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Report:
        """The report that `as_json` returned."""
        return cls(values["host"], values["quick"], tuple(Row.from_json(row) for row in values["rows"]))


def tables_of(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each table, by its title."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        tables.setdefault(row.table, []).append(row)
    return tables


def cells(row: Row) -> tuple[str, ...]:
    """A row's words, one for each of COLUMNS."""
    beside = f"{measure(statistics.median(row.theirs), row.unit)} ({row.beside})" if row.theirs else ""
    low, high = min(row.figures), max(row.figures)
    return (
        row.name,
        measure(statistics.median(row.ours), row.unit),
        beside,
        RATIOS[row.figure].format(row.value),
        f"{low:.2f} to {high:.2f}" if len(row.figures) > 1 else "1 round",
        "" if row.goal is None else str(row.goal),
        {None: "", True: "yes", False: "no"}[row.met],
        "not comparable" if row.difference is None else str(row.difference),
    )


def measure(value: float, unit: str) -> str:
    """A figure with its unit, in about three digits."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{digits}f} {unit}"


def terminal_table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(title=title)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "what" else "right", overflow="fold")
    for row in rows:
        table.add_row(*cells(row))
    return table
