"""Reads the first sheet of an Excel workbook with openpyxl, which the extra `feeds` installs.

Formulas aren't evaluated: their cells have the values that were saved with them.
"""

from __future__ import annotations

import datetime
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from brandpress.pipeline.spec.feed.table import BrokenFeedError, Columns, Row, RowProblem, Table, one_line
from brandpress.pipeline.spec.messages import quote

MAX_UNCOMPRESSED = 512 * 2**20  # bytes of all files in the workbook
MAX_FILES = 10_000


def read_xlsx(file: BinaryIO) -> Table:
    """Returns the table in a workbook. Raises BrokenFeedError, or ImportError without openpyxl."""
    from openpyxl import load_workbook

    _check_archive(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions
            workbook = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        sheets = workbook.worksheets
        if not sheets:
            raise ValueError("it has no sheet")
        sheets[0].reset_dimensions()  # those in the file may be wrong
        cells = sheets[0].iter_rows(values_only=True)
        headings = [*next(cells, ())]
    except Exception as error:  # openpyxl raises many kinds of errors for hostile files
        raise _broken(error) from None
    while headings and headings[-1] is None:
        headings.pop()
    if not headings:
        raise BrokenFeedError(1, f"the sheet {quote(sheets[0].title)} has no header", "write it into the first row")
    columns = Columns()
    columns.add_header(
        f"column {number}" if heading is None else str(heading).strip() for number, heading in enumerate(headings, 1)
    )
    others = len(sheets) - 1
    note = f"only the first of its {others + 1} sheets is read, {quote(sheets[0].title)}"
    return Table(columns, _rows(cells, len(headings)), (note,) if others else ())


def _check_archive(file: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            files = archive.infolist()
    except Exception as error:  # zipfile, too
        raise _broken(error) from None
    finally:
        file.seek(0)
    size = sum(entry.file_size for entry in files)
    if len(files) > MAX_FILES or size > MAX_UNCOMPRESSED:
        what = f"the workbook unpacks to {len(files):,} files of {size:,} bytes"
        raise BrokenFeedError(1, what, f"allowed: at most {MAX_FILES:,} and {MAX_UNCOMPRESSED:,}")


def _rows(cells: Iterator[tuple[Any, ...]], width: int) -> Iterator[Row]:
    number = 1
    try:
        for values in cells:
            number += 1
            if all(value is None for value in values):
                continue
            if any(value is not None for value in values[width:]):
                what = f"the row has more cells than the header, which has {width:,}"
                yield Row(number, (), RowProblem("", what, "give each column a heading"))
                continue
            yield Row(number, (None, *map(_value, values[:width])))
    except GeneratorExit:
        raise
    except Exception as error:  # as above
        raise _broken(error, number + 1) from None


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    return value


def _broken(error: Exception, line: int = 1) -> BrokenFeedError:
    return BrokenFeedError(line, f"this isn't a readable workbook: {one_line(str(error))}", "save it as .xlsx again")
