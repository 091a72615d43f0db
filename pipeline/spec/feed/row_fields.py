"""The fields of one row of a feed, in little memory: rows share the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Any


class RowNames:
    """The names of the fields that rows can have, each once, and their places in a row's values."""

    __slots__ = ("_places", "names")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names: list[str] = []
        self._places: dict[str, int] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> int:
        """Adds a name that isn't known yet. Returns its place."""
        self._places[name] = len(self.names)
        self.names.append(name)
        return self._places[name]

    def place(self, name: str) -> int | None:
        """Returns the place of a name; None if it isn't known."""
        return self._places.get(name)


class _Values(ValuesView[Any]):
    def __init__(self, fields: RowFields) -> None:
        self._fields = fields
        super().__init__(fields)

    def __iter__(self) -> Iterator[Any]:
        return self._fields.present()


class RowFields(Mapping[str, Any]):
    """Name -> value of the cells of a row that aren't empty.

    values: in the order of the names; None for empty ones, and shorter if the last ones are empty.
    """

    __slots__ = ("_names", "_values")

    def __init__(self, names: RowNames, values: tuple[Any, ...]) -> None:
        self._names, self._values = names, values

    def __getitem__(self, name: str) -> Any:
        place = self._names.place(name)
        value = self._values[place] if place is not None and place < len(self._values) else None
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        names = self._names.names
        return iter([name for name, value in zip(names, self._values, strict=False) if value is not None])

    def __len__(self) -> int:
        return len(self._values) - self._values.count(None)

    def values(self) -> ValuesView[Any]:
        return _Values(self)

    def present(self) -> Iterator[Any]:
        """Yields the values of the cells that aren't empty."""
        return iter([value for value in self._values if value is not None])

    def __repr__(self) -> str:
        return f"RowFields({dict(self)!r})"
