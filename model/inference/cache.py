"""A bounded cache of what several pictures share, on one device or on two levels."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")
Lower = TypeVar("Lower")


@dataclass(frozen=True)
class Below(Generic[Value, Lower]):
    """A second level: its budget in bytes, the ways of a value down to it (None: it can't be kept there) and back up,
    and what one takes there."""

    budget: int
    down: Callable[[Value], Lower | None]
    up: Callable[[Lower], Value]
    size: Callable[[Lower], int]


class Cache(Generic[Value]):
    """Least recently used goes first once the values' bytes pass `budget`: to the level below where there is one. The
    newest value is always kept."""

    def __init__(self, budget: int, size: Callable[[Value], int], below: Below[Value, Any] | None = None) -> None:
        self.budget, self._size, self._below = budget, size, below
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0
        self._lower: Cache[Any] | None = Cache(below.budget, below.size) if below else None

    def get(
        self, key: Hashable, make: Callable[[], Value], expected: int = 0, before: Callable[[], object] | None = None
    ) -> tuple[Value, bool]:
        """The value of `key`, made when missing; and whether it was there, on either level. expected: the bytes that it
        will have, for which there is room before it's made or comes up. before: is called ahead of that."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key], True
        if before is not None:
            before()
        if expected:
            self.lower_to(self.budget - expected)
        raised = self._raise(key)
        value = make() if raised is None else raised
        self._values[key] = value
        self._bytes += self._size(value)
        while self._bytes > self.budget and len(self._values) > 1:
            self._drop_oldest()
        return value, raised is not None

    def lower_to(self, count: int) -> None:
        """Drop values, least recently used first, until they have no more than `count` bytes."""
        while self._values and self._bytes > count:
            self._drop_oldest()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values or (self._lower is not None and key in self._lower)

    @property
    def nbytes(self) -> int:
        """Of the upper level."""
        return self._bytes

    def _raise(self, key: Hashable) -> Value | None:
        if self._lower is None or self._below is None or key not in self._lower:
            return None
        return self._below.up(self._lower._pop(key))

    def _drop_oldest(self) -> None:
        key = next(iter(self._values))
        value, below = self._pop(key), self._below
        if self._lower is not None and below is not None and self._size(value) <= below.budget:
            lowered = below.down(value)
            if lowered is not None:
                self._lower.get(key, lambda: lowered)

    def _pop(self, key: Hashable) -> Value:
        value = self._values.pop(key)
        self._bytes -= self._size(value)
        return value
