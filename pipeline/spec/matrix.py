"""What a matrix means: the product of its axes, less `exclude`, then `include`, as in GitHub Actions.

https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/running-variations-of-jobs-in-a-workflow
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

Combination = dict[str, str]


def count(axes: Mapping[str, Sequence[str]], include: Sequence[Mapping[str, str]] = ()) -> int:
    """An upper bound of the number of combinations, without making them."""
    return (math.prod(len(values) for values in axes.values()) if axes else 0) + len(include)


def combinations(
    axes: Mapping[str, Sequence[str]],
    exclude: Sequence[Mapping[str, str]] = (),
    include: Sequence[Mapping[str, str]] = (),
) -> list[Combination]:
    """The combinations in the order of the axes, the last axis fastest; those that `include` adds come last.

    An entry of `exclude` takes out every combination that has all its values. An entry of `include` extends every
    combination of the product whose own values it doesn't contradict (what an earlier entry added, it may overwrite);
    when there's none, it is a combination of its own.
    """
    names = tuple(axes)
    combined = [dict(zip(names, values, strict=True)) for values in product(*axes.values())] if axes else []
    banned = _by_axes(enumerate(exclude), names)
    originals = [point for point in combined if not _matching(banned, point)]
    additions = _by_axes(enumerate(include), names)
    used: set[int] = set()
    extended = []
    for point in originals:
        entries = sorted(_matching(additions, point))
        used.update(entries)
        result = dict(point)
        for entry in entries:
            result.update(include[entry])
        extended.append(result)
    return extended + [dict(entry) for i, entry in enumerate(include) if i not in used]


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
