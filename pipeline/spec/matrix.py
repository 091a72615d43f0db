"""What a matrix means: the product of its axes, less `exclude`, then `include`, as in GitHub Actions.

https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/running-variations-of-jobs-in-a-workflow
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product

from brandpress.pipeline.spec.lazy import Lazy

Combination = dict[str, str]


def count(axes: Mapping[str, Sequence[str]], include: Sequence[Mapping[str, str]] = ()) -> int:
    """An upper bound of the number of combinations, without making them."""
    return (math.prod(len(values) for values in axes.values()) if axes else 0) + len(include)


class Combinations(Lazy[Combination]):
    """The combinations in the order of the axes, the last axis fastest; those that `include` adds come last.

    An entry of `exclude` takes out every combination that has all its values. An entry of `include` extends every
    combination of the product whose own values it doesn't contradict (what an earlier entry added, it may overwrite);
    when there's none, it is a combination of its own.

    They are made when they are asked for, anew each time. At most four bytes are held for each.
    """

    def __init__(
        self,
        axes: Mapping[str, Sequence[str]],
        exclude: Sequence[Mapping[str, str]] = (),
        include: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self._axes = {name: tuple(values) for name, values in axes.items()}
        self._strides = _strides(self._axes)
        self._include = tuple(include)
        self._additions = _by_axes(enumerate(include), tuple(axes))
        self._kept: Sequence[int] = range(count(axes))
        used: set[int] = set()
        if exclude or include:
            self._kept, used = self._sift(_by_axes(enumerate(exclude), tuple(axes)))
        self._own = tuple(i for i in range(len(include)) if i not in used)

    def __len__(self) -> int:
        return len(self._kept) + len(self._own)

    def __iter__(self) -> Iterator[Combination]:
        for number in self._kept:
            yield self._extended(self._of_product(number))
        for entry in self._own:
            yield dict(self._include[entry])

    def at(self, number: int) -> Combination:
        if number < len(self._kept):
            return self._extended(self._of_product(self._kept[number]))
        return dict(self._include[self._own[number - len(self._kept)]])

    def _sift(self, banned: _Index) -> tuple[array[int], set[int]]:
        """The numbers of the product's combinations that stay, and the entries of `include` that extend one."""
        kept, used = array("I"), set[int]()
        values = product(*self._axes.values()) if self._axes else iter(())
        for number, chosen in enumerate(values):
            combination = dict(zip(self._axes, chosen, strict=True))
            if not _matching(banned, combination):
                kept.append(number)
                used.update(_matching(self._additions, combination))
        return kept, used

    def _of_product(self, number: int) -> Combination:
        return {name: values[number // stride % len(values)] for name, values, stride in self._strides}

    def _extended(self, combination: Combination) -> Combination:
        entries = sorted(_matching(self._additions, combination)) if self._additions else ()
        for entry in entries:
            combination.update(self._include[entry])
        return combination


def _strides(axes: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, tuple[str, ...], int], ...]:
    """Each axis with its values, and how many combinations of the product come before its next value."""
    lengths = [len(values) for values in axes.values()]
    strides = list(accumulate(reversed(lengths), operator.mul, initial=1))[-2::-1]
    return tuple((name, values, stride) for (name, values), stride in zip(axes.items(), strides, strict=True))


_Index = dict[tuple[str, ...], dict[tuple[str, ...], list[int]]]


def _by_axes(entries: Iterable[tuple[int, Mapping[str, str]]], names: Sequence[str]) -> _Index:
    """Entries by which of the axes they name and the values there, so that a point finds its own without a search."""
    index: _Index = {}
    for i, entry in entries:
        axes = tuple(name for name in names if name in entry)
        index.setdefault(axes, {}).setdefault(tuple(entry[name] for name in axes), []).append(i)
    return index


def _matching(index: _Index, point: Mapping[str, str]) -> list[int]:
    return [i for axes, values in index.items() for i in values.get(tuple(point[name] for name in axes), ())]
