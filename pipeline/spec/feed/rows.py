"""Turns the rows of a table into entities, and collects what is wrong with rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.spec.feed.feed_fields import ENTITY_FIELDS, FeedFields
from brandpress.pipeline.spec.feed.keys import KeyNames
from brandpress.pipeline.spec.feed.row_fields import RowFields
from brandpress.pipeline.spec.feed.table import MAX_ROWS, BrokenFeedError, Columns, Row, RowProblem, Table
from brandpress.pipeline.spec.feed.use import FeedEntity
from brandpress.pipeline.spec.fields import parse_sku, plain_text
from brandpress.pipeline.spec.free_fields import parse_free_text, parse_free_value
from brandpress.pipeline.spec.messages import allowed, closest, kind, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.remote import is_address
from brandpress.pipeline.spec.where import IncomparableError

_Parsed = TypeVar("_Parsed")

MAX_KEY = 200
MAX_SKU = 64
MAX_SHARED_TEXTS, MAX_SHARED_LENGTH = 20_000, 40


class FeedRow(NamedTuple):
    """A row that became an entity. line: in the file, or the row's number."""

    line: int
    key: str
    entity: FeedEntity


@dataclass
class FeedRows:
    """The rows of a feed: the entities, what is wrong with others, the names of all keys, the number of all rows."""

    columns: Columns
    names: KeyNames
    rows: list[FeedRow] = field(default_factory=list)
    bad: list[tuple[int, RowProblem]] = field(default_factory=list)
    total: int = 0


def read_rows(
    table: Table, fields: FeedFields, names: KeyNames, *, needs_description: bool, has_sku: bool, folder: str
) -> FeedRows:
    """Reads all rows. folder: the one that pictures' paths are relative to, below the brand spec's folder; "" for that
    folder itself. Raises BrokenFeedError, and WrongValueError for a field of the feed that names no column."""
    reader = _RowReader(table.columns, fields, names, needs_description, has_sku, folder)
    for row in table.rows:
        reader.add(row)
    reader.check_columns()
    return reader.result


class _RowReader:
    def __init__(
        self, columns: Columns, fields: FeedFields, names: KeyNames, needs_description: bool, has_sku: bool, folder: str
    ) -> None:
        self.result = FeedRows(columns, names)
        self._columns, self._fields = columns, fields
        self._needs_description, self._has_sku, self._folder = needs_description, has_sku, folder
        self._places: dict[str, int] = {}
        self._lines: dict[str, int] = {}
        self._shared: dict[str, str] = {}
        own = [name for name in ENTITY_FIELDS if name != "sku" or has_sku]
        self._renamed = {name: written[0] for name, written in fields.columns.items() if name not in own}
        self._renamed = {
            name: written
            for name, written in self._renamed.items()
            if columns.find(written) is None or columns.names[columns.find(written) or 0] != name
        }
        for name in self._renamed:
            if columns.place(name) is not None:
                what = f"the feed has a column {quote(name)} already"
                raise WrongValueError(what, "choose another name", at=("map", name), on_key=True)
            columns.column(name, 1)

    def add(self, row: Row) -> None:
        """Adds a row: as an entity, as a bad one, or only its key if it doesn't match `where`."""
        result = self.result
        result.total += 1
        if result.total > MAX_ROWS:
            raise BrokenFeedError(row.line, "the feed has too many rows", f"allowed: at most {MAX_ROWS:,}")
        if row.problem is not None:
            result.bad.append((row.line, row.problem))
            return
        try:
            self._add(row)
        except IncomparableError as error:
            place = self._columns.place(error.field)
            heading = error.field if place is None else self._columns.headings[place]
            result.bad.append((row.line, RowProblem(heading, f"{error.what}, in where")))
        except _BadRowError as error:
            result.bad += [(row.line, problem) for problem in error.problems]

    def check_columns(self) -> None:
        """Raises WrongValueError for a field of the feed whose column no row has."""
        columns, fields = self._columns, self._fields
        if self.result.bad and len(columns.names) == 1 + len(self._renamed):
            return  # no row could be read
        if not self.result.total and len(columns.names) == 1 + len(self._renamed):
            raise WrongValueError("the feed has no rows", "write one, or name another feed", at=("from",))
        self._require(fields.key, ("key",))
        for name, written in fields.columns.items():
            for i, column in enumerate(written):
                self._require(column, ("map", name, i) if len(written) > 1 else ("map", name))
        if fields.where is not None:
            try:
                fields.where.check_names(columns.names)
            except WrongValueError as error:
                raise error.below("where") from None
        if self._needs_description and not self._written("description"):
            what = "the feed has no column 'description', which each entity needs"
            raise WrongValueError(what, "write map: {description: …} with the name of a column", at=("from",))

    def _require(self, written: str, at: tuple[str | int, ...]) -> None:
        if self._columns.find(written) is None:
            known = [
                heading
                for name, heading in zip(self._columns.names, self._columns.headings, strict=True)
                if name != "key" and name not in self._renamed
            ]
            what = f"the feed has no column {quote(written)}"
            raise WrongValueError(what, allowed(known), closest(written, known), at=at)

    def _add(self, row: Row) -> None:
        values = self._renamed_values(row)
        key = self._key(values)
        if key is not None:
            values[0] = key
            if key not in self._lines:
                self._lines[key] = 0
                self.result.names.add(key)
        where = self._fields.where
        if where is not None and not where.holds(RowFields(self._columns, tuple(values))):
            return
        if key is None:
            raise _BadCellError(self._fields.key, "is empty", "each row needs a key")
        if len(key) > MAX_KEY or not key.isprintable():
            raise _BadCellError(self._fields.key, "isn't a key", f"allowed: at most {MAX_KEY} printable characters")
        if self._lines[key]:
            what = f"{quote(key)} is the key of row {self._lines[key]:,}, too"
            raise _BadCellError(self._fields.key, what, "remove one")
        self._lines[key] = row.line
        self.result.rows.append(FeedRow(row.line, key, self._entity(values)))

    def _key(self, values: list[Any]) -> str | None:
        value = self._value(values, self._fields.key)
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            raise _BadCellError(self._fields.key, f"is {kind(value)}", "allowed: text or a number")
        return None if value is None else _text(value)

    def _renamed_values(self, row: Row) -> list[Any]:
        """Returns a row's values, those that `map` gives another name at the place of that name as well."""
        values = [*row.values]
        for name, written in self._renamed.items():
            place = self._columns.place(name) or 0
            values += [None] * (place + 1 - len(values))
            value = self._value(values, written)
            if values[place] is not None and values[place] is not value:
                raise _BadCellError(name, "is a column, and map gives its name to another one", "choose another name")
            values[place] = value
        return values

    def _entity(self, values: list[Any]) -> FeedEntity:
        """Returns a row's entity. Raises _BadRowError with all that is wrong with its cells."""
        known = self._shared
        problems: list[RowProblem] = []
        checked = [
            known[value] if type(value) is str and value in known else self._checked(value, heading, problems)
            for value, heading in zip(values, self._columns.headings, strict=False)
        ]
        description = _collecting(problems, self._description, values)
        references = _collecting(problems, self._references, values) or ()
        sku = _collecting(problems, self._sku, values) if self._has_sku else None
        if problems:
            raise _BadRowError(list({(one.field, one.what): one for one in problems}.values()))
        if description is None:
            self._hide("description", checked)
        if sku is None:
            self._hide("sku", checked)
        return FeedEntity(description, references, sku, RowFields(self._columns, tuple(checked)))

    def _hide(self, field: str, values: list[Any]) -> None:
        """Removes the cell of the column that has a field's name, if `map` names another one, whose cell is empty."""
        place = self._columns.place(field)
        if place is not None and place < len(values) and field in self._fields.columns and field not in self._renamed:
            values[place] = None

    def _checked(self, value: Any, heading: str, problems: list[RowProblem]) -> Any:
        """Returns the value of a free field. Equal short texts are kept once. Adds what is wrong to `problems`."""
        if value is None:
            return None
        try:
            value = parse_free_text(value) if type(value) is str else parse_free_value(value)
        except WrongValueError as error:
            problems.append(RowProblem(heading, error.what, error.allowed))
            return None
        if type(value) is str and len(value) <= MAX_SHARED_LENGTH and len(self._shared) < MAX_SHARED_TEXTS:
            return self._shared.setdefault(value, value)
        return value

    def _description(self, values: list[Any]) -> str | None:
        for written in self._written("description"):
            value = self._value(values, written)
            if value is None:
                break
            try:
                return plain_text(_text(value) if isinstance(value, int | float) else value)
            except WrongValueError as error:
                raise _BadCellError(written, error.what, error.allowed) from None
        if self._needs_description:
            heading = next(iter(self._written("description")), "description")
            raise _BadCellError(heading, "is empty", "write what it looks like, in words")
        return None

    def _sku(self, values: list[Any]) -> str | None:
        written = self._written("sku")
        if not written:
            key: str = values[0]
            return key if len(key) <= MAX_SKU else None
        value = self._value(values, written[0])
        try:
            return None if value is None else parse_sku(_text(value) if isinstance(value, int | float) else value)
        except WrongValueError as error:
            raise _BadCellError(written[0], error.what, error.allowed) from None

    def _references(self, values: list[Any]) -> tuple[str, ...]:
        files: dict[str, None] = {}
        for written in self._written("references"):
            for file in _files(self._value(values, written), written):
                files[f"{self._folder}/{file}" if self._folder and not is_address(file) else file] = None
        if len(files) > MAX_REFERENCES:
            heading = self._written("references")[-1]
            raise _BadCellError(heading, f"the row has {len(files)} pictures", f"allowed: at most {MAX_REFERENCES}")
        return tuple(files)

    def _written(self, name: str) -> tuple[str, ...]:
        """Returns the columns of an entity's field: as `map` says, otherwise the column of the same name if there is
        one."""
        written = self._fields.columns.get(name)
        if written is None:
            return (name,) if self._columns.place(name) is not None else ()
        return written

    def _value(self, values: list[Any], written: str) -> Any:
        place = self._places.get(written)
        if place is None:
            place = self._columns.find(written)
            if place is None:
                return None
            self._places[written] = place
        return values[place] if place < len(values) else None


class _BadRowError(Exception):
    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__(problems[0].what)
        self.problems = problems


class _BadCellError(_BadRowError):
    def __init__(self, heading: str, what: str, rule: str = "") -> None:
        super().__init__([RowProblem(heading, what, rule)])


def _collecting(problems: list[RowProblem], parse: Callable[[list[Any]], _Parsed], values: list[Any]) -> _Parsed | None:
    """Returns what `parse` returns of a row's values, or None after adding what is wrong with them to `problems`."""
    try:
        return parse(values)
    except _BadRowError as error:
        problems += error.problems
        return None


def _text(value: str | int | float) -> str:
    """Returns a cell as text: spreadsheets keep whole numbers as 12.0, and keys don't depend on the feed's format."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _files(value: Any, heading: str) -> Iterator[str]:
    """Yields the pictures in a cell: a list, or texts that are separated by commas."""
    for text in value if isinstance(value, tuple) else () if value is None else (value,):
        if not isinstance(text, str):
            raise _BadCellError(heading, f"must name pictures, not {kind(text)}", "write paths or https addresses")
        if "," not in text:
            yield from (text.strip(),) if text.strip() else ()
            continue
        between = r",\s*(?=https?://)" if is_address(text.strip()) else ","  # addresses may have commas themselves
        yield from (file.strip() for file in re.split(between, text) if file.strip())
