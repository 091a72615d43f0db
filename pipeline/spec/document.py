"""A parsed YAML file: plain values and their positions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from brandpress.pipeline.spec.problem import Problem, WrongValueError

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A range of the text: line and column (from 1) of its start, and the offsets of its start and end."""

    line: int
    column: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file.

    label: the file's name in messages. content: its bytes. data: dicts with text keys, tuples and scalars. values,
    keys: the positions of each location's value and key. problems: what is wrong with the YAML itself.
    """

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
        """Returns a problem at a location. Steps that the file doesn't have are skipped, so that a missing field is
        reported at the mapping that lacks it. needle: a pattern; the problem is placed at its first match in the
        value's text."""
        existing = self.existing(location)
        spot = (self.keys.get(existing) if on_key else None) or self.values[existing]
        line, column = spot.line, spot.column
        if needle and (offset := self._find(spot, needle)) is not None:
            line = self.text.count("\n", 0, offset) + 1
            column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1
        return Problem(self.label, line, column, what, allowed, suggestion)

    def with_data(self, data: object) -> Document:
        """Returns the document with other data, whose parts still have their positions."""
        return replace(self, data=data)

    def below(self, step: str, names: Collection[str]) -> Document:
        """Returns the mapping at `step` as a document of its own, with only some of its names."""
        inner = self.data[step] if isinstance(self.data, dict) else {}

        def moved(spots: Mapping[Location, Spot]) -> dict[Location, Spot]:
            return {
                place[1:]: spot
                for place, spot in spots.items()
                if place[:1] == (step,) and place[1:2] != () and place[1] in names
            }

        values = {(): self.values[(step,)], **moved(self.values)}
        data = {name: value for name, value in inner.items() if name in names}
        return replace(self, data=data, values=values, keys=moved(self.keys))

    def wrong(self, location: Location, error: WrongValueError, prefix: str = "") -> Problem:
        """Returns the problem for a `WrongValueError` at a location."""
        return self.problem(
            location + error.at,
            prefix + error.what,
            error.allowed,
            error.suggestion,
            on_key=error.on_key,
            needle=error.needle,
        )

    def all_problems(self, value_problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Returns the problems of the YAML itself and of its values in reading order, without consequential ones: a
        value that couldn't be read isn't also a value of the wrong type."""
        places = {(problem.line, problem.column) for problem in self.problems}
        rest = [p for p in value_problems if p.file != self.label or (p.line, p.column) not in places]
        own = [p for p in rest if p.file == self.label]
        others = [p for p in rest if p.file != self.label]
        return tuple(dict.fromkeys([*sorted([*self.problems, *own]), *sorted(others)]))

    def existing(self, location: Location) -> Location:
        """Returns a location without the steps that don't exist in the file."""
        existing: Location = ()
        for step in location:
            if (*existing, step) in self.values:
                existing = (*existing, step)
        return existing

    def _find(self, spot: Spot, needle: str) -> int | None:
        match = re.compile(needle).search(self.text, spot.start, spot.end)
        if match is None:
            return None
        return match.start(1 if match.re.groups else 0)
