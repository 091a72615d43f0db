"""An estimate with its range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

FEW, FEW_FACTOR = 4, 0.25
"""Fewer measurements than FEW have no quartiles worth the name; their range is the median, plus and minus a quarter."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity that is expected, and what it may be at least and at most."""

    low: float
    expected: float
    high: float

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, factor: float) -> Spread:
        return Spread(self.low * factor, self.expected * factor, self.high * factor)

    def times(self, other: Spread) -> Spread:
        """Returns the product with another quantity, low with low and high with high."""
        return Spread(self.low * other.low, self.expected * other.expected, self.high * other.high)

    @classmethod
    def around(cls, expected: float, low: float, high: float) -> Spread:
        """Returns a range given by factors: from `low` times to `high` times what is expected."""
        return cls(expected * low, expected, expected * high)

    @classmethod
    def of(cls, measured: Sequence[float]) -> Spread:
        """Returns the median of measurements with their quartiles. measured: at least one."""
        middle = median(measured)
        if len(measured) < FEW:
            return cls.around(middle, 1 - FEW_FACTOR, 1 + FEW_FACTOR)
        low, _, high = quantiles(measured, n=4, method="inclusive")
        return cls(low, middle, high)


NONE = Spread(0.0, 0.0, 0.0)


def total(spreads: Iterable[Spread]) -> Spread:
    """Returns the sum: everything low, everything as expected, everything high."""
    result = NONE
    for spread in spreads:
        result += spread
    return result
