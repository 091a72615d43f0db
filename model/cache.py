"""A bounded cache of tensors that several pictures share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Least recently used goes first once the values' bytes pass `budget`. The newest value is always kept."""

    def __init__(self, budget: int, size: Callable[[Value], int]) -> None:
        self.budget, self._size = budget, size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], Value]) -> tuple[Value, bool]:
        """The value of `key`, made when missing; and whether it was there."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key], True
        value = make()
        self._values[key] = value
        self._bytes += self._size(value)
        while self._bytes > self.budget and len(self._values) > 1:
            _, dropped = self._values.popitem(last=False)
            self._bytes -= self._size(dropped)
        return value, False

    def __len__(self) -> int:
        return len(self._values)
