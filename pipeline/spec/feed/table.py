"""A feed as a table: columns with names that templates can use, and rows that are read one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from brandpress.pipeline.spec.feed.row_fields import RowNames
from brandpress.pipeline.spec.free_fields import identifier_of
from brandpress.pipeline.spec.messages import quote

MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
KEY = "key"
RESERVED_COLUMNS = (KEY, "name")
"""Fields that every entity has. A column of this name becomes `feed_key` or `feed_name`."""


class RowProblem(NamedTuple):
    """What is wrong with a row. field: the column's heading, "" for the whole row."""

    field: str
    what: str
    allowed: str = ""
    suggestion: str = ""


class Row(NamedTuple):
    """One row. line: in the file, or the row's number in formats without lines. values: in the order of the columns,
    None for empty cells. problem: why the row can't be used."""

    line: int
    values: Sequence[Any]
    problem: RowProblem | None = None


class BrokenFeedError(Exception):
    """A feed that can't be read as a whole."""

    def __init__(self, line: int, what: str, allowed: str = "") -> None:
        super().__init__(what)
        self.line, self.what, self.allowed = line, what, allowed


class Columns(RowNames):
    """The columns of a feed. headings: as the file writes them. The first place is that of the row's key."""

    __slots__ = ("_by_heading", "headings")

    def __init__(self) -> None:
        super().__init__((KEY,))
        self.headings = [KEY]
        self._by_heading: dict[str, int] = {}

    def column(self, heading: str, line: int) -> int:
        """Returns the place of a column, and adds a new one. Raises BrokenFeedError for two headings with one name."""
        place = self._by_heading.get(heading)
        if place is None:
            place = self._by_heading[heading] = self._add_column(heading, line)
        return place

    def add_header(self, headings: Iterable[str], line: int = 1) -> None:
        """Adds the columns of a header. Raises BrokenFeedError for a heading that it repeats."""
        for heading in headings:
            if heading in self._by_heading:
                raise BrokenFeedError(line, f"two columns have the heading {quote(heading)}", "rename one of them")
            self.column(heading, line)

    def find(self, written: str) -> int | None:
        """Returns the place of the column that a brand spec names, by its heading or its name; None without one."""
        place = self._by_heading.get(written)
        if place is not None:
            return place
        name = identifier_of(written)
        return self.place(f"feed_{name}" if name in RESERVED_COLUMNS else name)

    def _add_column(self, heading: str, line: int) -> int:
        number = len(self.names)
        if number > MAX_COLUMNS:
            raise BrokenFeedError(line, "the feed has too many columns", f"allowed: at most {MAX_COLUMNS}")
        name = identifier_of(heading) or identifier_of(f"column_{heading}") or f"column_{number}"
        name = f"column_{number}" if name == "column" else f"feed_{name}" if name in RESERVED_COLUMNS else name
        same = self.place(name)
        if same is not None:
            what = f"the columns {quote(self.headings[same])} and {quote(heading)} both get the name {quote(name)}"
            raise BrokenFeedError(line, what, "rename one of them")
        self.headings.append(heading)
        return self.add(name)


@dataclass(frozen=True)
class Table:
    """A feed that is being read. rows: iterate once; raises BrokenFeedError. Columns may be added meanwhile. warnings:
    what the file has and isn't read."""

    columns: Columns
    rows: Iterator[Row]
    warnings: tuple[str, ...] = ()


ReadTable = Callable[[BinaryIO], Table]


def placed(columns: Columns, cells: Sequence[tuple[str, Any]], line: int) -> list[Any]:
    """Returns the values of (heading, value) pairs in the order of the columns."""
    places = [columns.column(heading, line) for heading, _ in cells]
    values: list[Any] = [None] * len(columns.names)
    for place, (_, value) in zip(places, cells, strict=True):
        values[place] = value
    return values


def one_line(text: str) -> str:
    """Returns a library's error message in one line, at most 200 characters."""
    return re.sub(r"\s+", " ", text).strip()[:200]
