"""Sequences that may be long: their items are made when they're asked for, and not kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

Item = TypeVar("Item", covariant=True)


class Lazy(Sequence[Item]):
    """A sequence that makes its items. A slice of it is a tuple."""

    @abstractmethod
    def at(self, number: int) -> Item:
        """The item of a number from 0 to below the length."""

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        numbers = range(len(self))[index]
        return self.at(numbers) if isinstance(numbers, int) else tuple(self.at(number) for number in numbers)
