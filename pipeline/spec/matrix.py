"""Expands a matrix into combinations: the product of its axes, minus `exclude`, plus `include`, as in GitHub Actions.

https://docs.github.com/en/actions/writing-workflows/choosing-what-your-workflow-does/running-variations-of-jobs-in-a-workflow
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

Combination = dict[str, str]
"""Axis -> name."""

_Index = dict[tuple[str, ...], dict[tuple[str, ...], list[int]]]


def max_combinations(axes: Mapping[str, Sequence[str]], include: Sequence[Mapping[str, str]] = ()) -> int:
    """Returns an upper bound of the number of combinations without expanding the matrix."""
    return (math.prod(len(values) for values in axes.values()) if axes else 0) + len(include)


def max_comparisons(
    axes: Mapping[str, Sequence[str]],
    exclude: Sequence[Mapping[str, str]] = (),
    include: Sequence[Mapping[str, str]] = (),
) -> int:
    """Returns an upper bound of the comparisons that `expand_matrix` makes with entries."""
    names = tuple(axes)
    each = sum(
        max(map(len, values.values())) for entries in (exclude, include) for values in _index(entries, names).values()
    )
    return max_combinations(axes) * each


def expand_matrix(
    axes: Mapping[str, Sequence[str]],
    exclude: Sequence[Mapping[str, str]] = (),
    include: Sequence[Mapping[str, str]] = (),
) -> list[Combination]:
    """Returns the combinations in the order of the axes, the last axis fastest; those that `include` adds come last.

    An entry of `exclude` removes every combination that has all its values. An entry of `include` extends every
    combination of the product whose own values it doesn't contradict (it may overwrite what an earlier entry added).
    An entry that extends none becomes a combination itself.
    """
    names = tuple(axes)
    excluded, included = _index(exclude, names), _index(include, names)
    combinations: list[Combination] = []
    extending: set[int] = set()
    for values in product(*axes.values()) if axes else ():
        combination = dict(zip(names, values, strict=True))
        if _matching(excluded, combination):
            continue
        matching = _matching(included, combination)
        for entry in sorted(matching):
            combination.update(include[entry])
        extending.update(matching)
        combinations.append(combination)
    return combinations + [dict(entry) for number, entry in enumerate(include) if number not in extending]


def _index(entries: Sequence[Mapping[str, str]], names: Sequence[str]) -> _Index:
    """Indexes entries by the matrix axes that they name and their values there, which saves comparing every combination
    with every entry."""
    index: _Index = {}
    for number, entry in enumerate(entries):
        axes = tuple(name for name in names if name in entry)
        index.setdefault(axes, {}).setdefault(tuple(entry[name] for name in axes), []).append(number)
    return index


def _matching(index: _Index, combination: Combination) -> list[int]:
    """Returns the numbers of the entries whose values the combination has."""
    return [
        number for axes, values in index.items() for number in values.get(tuple(combination[axis] for axis in axes), ())
    ]
