"""Numbers and dates that remember how the file writes them, if Python writes them differently: 00123, 1_000."""

from __future__ import annotations

import datetime
from typing import Any


class WrittenInt(int):
    """A whole number with its text in the file."""

    written: str


class WrittenFloat(float):
    """A number with its text in the file, as which it is inserted into other texts."""

    __slots__ = ("written",)
    written: str

    def __str__(self) -> str:
        return self.written


class WrittenDate(datetime.date):
    """A date with its text in the file."""

    written: str


class WrittenDatetime(datetime.datetime):
    """A time with its text in the file."""

    written: str


def remember(value: Any, text: str) -> Any:
    """Returns the value; numbers and dates that Python writes differently than `text` get it as their `written`."""
    if isinstance(value, bool) or not isinstance(value, int | float | datetime.date) or str(value) == text:
        return value
    remembered: WrittenInt | WrittenFloat | WrittenDate | WrittenDatetime
    if isinstance(value, int):
        remembered = WrittenInt(value)
    elif isinstance(value, float):
        remembered = WrittenFloat(value)
    elif isinstance(value, datetime.datetime):
        remembered = WrittenDatetime.combine(value.date(), value.timetz())
    else:
        remembered = WrittenDate(value.year, value.month, value.day)
    remembered.written = text
    return remembered


def written(value: object) -> str:
    """Returns a value as the file writes it."""
    return str(getattr(value, "written", value))


def misread(value: object) -> bool:
    """Whether YAML reads a whole number as another one than people do: octal, hexadecimal, binary or base 60."""
    text = written(value).lstrip("+-")
    return isinstance(value, int) and not isinstance(value, bool) and text.replace("_", "") != str(abs(value))
