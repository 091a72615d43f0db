"""Finds the name that was probably meant."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from itertools import islice

MAX_COMPARED = 24
"""Of more names, only those that share most pairs of letters with the wrong one are compared letter by letter: n wrong
names among n allowed ones would take n² comparisons."""

MAX_INDEXED = 5_000
"""Of still more names, as a feed can have, only the first ones are suggested."""

_MAX_CANDIDATES = 6
_MAX_PER_PAIR = 64
_LETTERS = 60
_CUTOFF = 0.6


def most_similar(name: str, names: Collection[str]) -> str | None:
    """Returns the one of `names` that is most similar to `name`; None if none is."""
    if len(names) <= MAX_COMPARED:
        return _best(name, names)
    index = _index(tuple(islice(names, MAX_INDEXED)))
    return _best(name, index.candidates(name))


def _best(name: str, names: Collection[str]) -> str | None:
    folded = {_fold(candidate): candidate for candidate in reversed(list(names))}
    near = difflib.get_close_matches(_fold(name[:_LETTERS]), folded, n=1, cutoff=_CUTOFF)
    return folded[near[0]] if near else None


class _Index:
    """The names that contain each pair of letters."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._by_pair: dict[str, list[int]] = {}
        for number, name in enumerate(names):
            for pair in _pairs(name):
                self._by_pair.setdefault(pair, []).append(number)

    def candidates(self, name: str) -> list[str]:
        """Returns the few names that share most pairs of letters with `name`, in their order."""
        shared = Counter[int]()
        for pair in _pairs(name):
            shared.update(self._by_pair.get(pair, ())[:_MAX_PER_PAIR])
        best = [number for number, _ in shared.most_common(_MAX_CANDIDATES)]
        return [self._names[number] for number in sorted(best)]


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> _Index:
    return _Index(names)


def _pairs(name: str) -> set[str]:
    folded = f" {_fold(name[:_LETTERS])} "
    return {folded[i : i + 2] for i in range(len(folded) - 1)}


def _fold(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")
