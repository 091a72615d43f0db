"""Problems in brand specs and campaigns, and the errors that carry them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from brandpress.model.errors import BrandpressError
from brandpress.model.redaction import redacted


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One problem and its place. file: as the user named it. line, column: from 1. suggestion: the value that was
    probably meant. field: in a feed, the column's name, which messages show instead of its number. of_file: whether it
    is about the file itself, such as one that is missing: messages show no line then. What looks like a credential is
    removed from the texts."""

    file: str
    line: int
    column: int
    what: str
    allowed: str = ""
    suggestion: str = ""
    field: str = ""
    of_file: bool = False

    def __post_init__(self) -> None:
        for name in ("what", "allowed", "suggestion", "field"):
            object.__setattr__(self, name, redacted(getattr(self, name)))

    def __str__(self) -> str:
        if self.of_file:
            return f"{self.file}: {self.text}"
        column = "" if self.field else f"{self.column}: "
        return f"{self.file}:{self.line}:{column}{self.text}"

    @property
    def text(self) -> str:
        """The message without the file and the numbers, for what shows these by itself."""
        parts = [self.what, self.allowed, f"did you mean {self.suggestion}?" if self.suggestion else ""]
        return (f"{self.field}: " if self.field else "") + "; ".join(part for part in parts if part)


class SpecError(BrandpressError):
    """One or more problems in a brand spec or a campaign; `problems` holds all of them in reading order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def wrong_values(group: ExceptionGroup[Exception]) -> list[WrongValueError]:
    """Returns the WrongValueErrors in a group."""
    return [error for error in group.exceptions if isinstance(error, WrongValueError)]


class WrongValueError(Exception):
    """A wrong value whose place isn't known yet: `Document.wrong` turns it into a `Problem`.

    at: the steps (indexes, keys) from the value down to the part that is wrong. on_key: whether the key at that
    location is wrong instead of the value. needle: a pattern that finds the wrong word in a longer text; if it has a
    group, the word is its first group.
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
        """Returns the error relative to the value that contains `step`."""
        return self._moved((step, *self.at), self.on_key)

    def below_all(self, steps: tuple[str | int, ...]) -> WrongValueError:
        """Returns the error relative to the value that `steps` lead from."""
        return self._moved((*steps, *self.at), self.on_key)

    def about(self, subject: str) -> WrongValueError:
        """Returns the error as a sentence about `subject`: `title is empty`."""
        return self.with_what(f"{subject} {self.what}")

    def with_what(self, what: str) -> WrongValueError:
        """Returns the error with another sentence."""
        return WrongValueError(what, self.allowed, self.suggestion, at=self.at, on_key=self.on_key, needle=self.needle)

    def on_its_key(self) -> WrongValueError:
        """Returns the error for the key instead of the value."""
        return self._moved(self.at, True)

    def _moved(self, at: tuple[str | int, ...], on_key: bool) -> WrongValueError:
        return WrongValueError(self.what, self.allowed, self.suggestion, at=at, on_key=on_key, needle=self.needle)
