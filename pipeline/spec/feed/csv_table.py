"""Reads CSV and TSV: the delimiter is found in the header, a byte order mark tells UTF-16 from UTF-8."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from brandpress.pipeline.spec.feed.table import BrokenFeedError, Columns, Row, RowProblem, Table, one_line

MAX_HEADER = 65_536  # characters
DELIMITERS = ",;\t|"


def read_csv(file: BinaryIO) -> Table:
    """Returns the table in a CSV file. Raises BrokenFeedError."""
    text = io.TextIOWrapper(file, encoding=_encoding(file), newline="")
    try:
        header = text.readline(MAX_HEADER)
    except UnicodeError:
        raise _not_text(1) from None
    if not header.strip():
        raise BrokenFeedError(1, "the feed has no header", "write the columns' names into the first line")
    text.seek(0)
    reader = csv.reader(text, delimiter=_delimiter(header), skipinitialspace=True)
    rows = _rows(reader)
    columns = Columns()
    line, headings = next(rows, (1, []))
    headings = headings[: _length(headings)]
    columns.add_header((heading.strip() or f"column {number}" for number, heading in enumerate(headings, 1)), line)
    return Table(columns, _table_rows(rows, len(headings)))


def _encoding(file: BinaryIO) -> str:
    start = file.read(4)
    file.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _delimiter(header: str) -> str:
    """Returns the most frequent delimiter outside of quotes."""
    outside = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _length(cells: list[str]) -> int:
    """Returns the number of cells without the empty ones at the end."""
    length = len(cells)
    while length and not cells[length - 1].strip():
        length -= 1
    return length


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yields (first line, cells) of each row that isn't blank."""
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            hint = "is a quotation mark not closed?" if "field limit" in str(error) else ""
            raise BrokenFeedError(line, f"this isn't valid CSV: {one_line(str(error))}", hint) from None
        except UnicodeError:
            raise _not_text(line) from None
        if cells is None:
            return
        if _length(cells):
            yield line, cells


def _table_rows(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    for line, cells in rows:
        if _length(cells) > width or len(cells) < width:
            what = f"the row has {len(cells):,} cells, but the header has {width:,} columns"
            yield Row(line, (), RowProblem("", what, "put texts with the delimiter in double quotes"))
            continue
        yield Row(line, (None, *[_cell(cell) for cell in cells[:width]]))


def _cell(cell: str) -> str | None:
    text = cell.strip()
    return (text.replace("\r\n", "\n") if "\r" in text else text) or None


def _not_text(line: int) -> BrokenFeedError:
    return BrokenFeedError(line, "from about here on the feed isn't UTF-8", "save it as UTF-8")
