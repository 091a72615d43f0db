"""A YAML file as plain values that remember where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from brandpress.pipeline.spec.problem import Problem, WrongValueError

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A stretch of the text: line and column from 1, and the offsets of its first character and past its last."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """`data` holds dicts with text keys, tuples and scalars. `values` and `keys` say where each location's value and
    key stand; `label` is the file's name as messages show it, `content` its bytes. `problems`: what is wrong with the
    YAML itself."""

    label: str
    path: Path
    content: bytes = field(repr=False)
    text: str = field(repr=False)
    data: object = field(repr=False)
    values: Mapping[Location, Spot] = field(repr=False)
    keys: Mapping[Location, Spot] = field(repr=False)
    problems: tuple[Problem, ...] = ()

    def problem(
        self,
        location: Location,
        what: str,
        allowed: str = "",
        suggestion: str = "",
        *,
        on_key: bool = False,
        needle: str = "",
    ) -> Problem:
        """A problem at a location. Steps that the file doesn't have are passed over, so that a missing field is
        reported where it belongs. `needle` moves the place to its first match inside of the value's templates."""
        known = self.known(location)
        spot = (self.keys.get(known) if on_key else None) or self.values[known]
        line, column = spot.line, spot.column
        if needle and (offset := self._find(spot, needle)) is not None:
            line = self.text.count("\n", 0, offset) + 1
            column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1
        return Problem(self.label, line, column, what, allowed, suggestion)

    def wrong(self, location: Location, error: WrongValueError, prefix: str = "") -> Problem:
        """The problem that a `WrongValueError` is at a location."""
        return self.problem(
            location + error.at,
            prefix + error.what,
            error.allowed,
            error.suggestion,
            on_key=error.on_key,
            needle=error.needle,
        )

    def all_problems(self, found: Iterable[Problem]) -> tuple[Problem, ...]:
        """The YAML's own problems and those found in its values, in reading order, without what follows from the
        former: a value that couldn't be read is no value of the wrong type."""
        places = {(problem.line, problem.column) for problem in self.problems}
        rest = [p for p in found if p.file != self.label or (p.line, p.column) not in places]
        own = [p for p in rest if p.file == self.label]
        others = [p for p in rest if p.file != self.label]
        return tuple(dict.fromkeys([*sorted([*self.problems, *own]), *sorted(others)]))

    def known(self, location: Location) -> Location:
        """The steps of a location that lead to something in the file."""
        known: Location = ()
        for step in location:
            if (*known, step) in self.values:
                known = (*known, step)
        return known

    def _find(self, spot: Spot, needle: str) -> int | None:
        found = re.compile(needle).search(self.text, spot.start, spot.end)
        if found is None:
            return None
        return found.start(1 if found.re.groups else 0)
