"""Reads JSON lines: each line is an object with texts, numbers, booleans, lists of these, or texts by locale."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from brandpress.pipeline.spec.feed.table import BrokenFeedError, Columns, Row, RowProblem, Table, one_line, placed
from brandpress.pipeline.spec.written import remember

MAX_LINE = 1_048_576


def read_jsonl(file: BinaryIO) -> Table:
    """Returns the table in a file of JSON lines."""
    columns = Columns()
    return Table(columns, _rows(file, columns))


def _rows(file: BinaryIO, columns: Columns) -> Iterator[Row]:
    line = 0
    while content := file.readline(MAX_LINE + 1):
        line += 1
        if len(content) > MAX_LINE:
            raise BrokenFeedError(line, "the line is too long", f"allowed: at most {MAX_LINE:,} bytes")
        if not content.strip(b" \t\r\n\xef\xbb\xbf"):
            continue
        try:
            cells = _READER.decode(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            what = "is nested too deeply" if isinstance(error, RecursionError) else one_line(str(error))
            yield Row(line, (), RowProblem("", f"this isn't valid JSON: {what}", "write one object a line"))
            continue
        if not isinstance(cells, dict):
            yield Row(line, (), RowProblem("", "the line isn't a JSON object", 'write {"id": "1", "title": "a mug"}'))
            continue
        yield Row(line, placed(columns, [(name, _value(value)) for name, value in cells.items()], line))


def _value(value: Any) -> Any:
    if value == "":
        return None
    return tuple(value) if isinstance(value, list) else value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is used twice in an object")
    return values


def _float(text: str) -> float:
    number: float = remember(float(text), text)
    return number


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} isn't JSON")


_READER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_float, parse_constant=_refuse)
