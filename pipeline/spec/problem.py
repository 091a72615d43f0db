"""A mistake in what someone wrote, with its place, and the error that carries all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brandpress.model.errors import BrandpressError


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """`file` as the person named it, `line` and `column` from 1, what is wrong, what is allowed, and a likely meant
    value."""

    file: str
    line: int
    column: int
    what: str
    allowed: str = ""
    suggestion: str = ""

    def __str__(self) -> str:
        parts = [self.what, self.allowed, f"did you mean {self.suggestion}?" if self.suggestion else ""]
        return f"{self.file}:{self.line}:{self.column}: " + "; ".join(part for part in parts if part)


class SpecError(BrandpressError):
    """One or more mistakes in a brand spec or a campaign. `problems` holds all of them, in reading order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class WrongValueError(Exception):
    """A value that isn't right, before its place is known: the reader that knows the place makes a `Problem` of it.

    `at` leads from the value's place further down to the part that is wrong (an index, a key), and `on_key` says that
    it's the key there and not the value. `needle` is a pattern (its first group, where it has one) that finds the
    wrong word inside of a longer text.
    """

    def __init__(
        self,
        what: str,
        allowed: str = "",
        suggestion: str = "",
        *,
        at: tuple[str | int, ...] = (),
        on_key: bool = False,
        needle: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.allowed = allowed
        self.suggestion = suggestion
        self.at = at
        self.on_key = on_key
        self.needle = needle

    def below(self, step: str | int) -> WrongValueError:
        """The same, seen from one step further up."""
        return self._moved((step, *self.at), self.on_key)

    def on_its_key(self) -> WrongValueError:
        """The same, of the key and not of the value."""
        return self._moved(self.at, True)

    def _moved(self, at: tuple[str | int, ...], on_key: bool) -> WrongValueError:
        return WrongValueError(self.what, self.allowed, self.suggestion, at=at, on_key=on_key, needle=self.needle)
