"""Formats values for messages: quoted, shortened, listed, and the closest of the allowed names."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from itertools import islice

from brandpress.model.redaction import redacted
from brandpress.pipeline.spec.closest import most_similar
from brandpress.pipeline.spec.written import written

MAX_CHARACTERS = 60  # of a value in a message
MAX_LISTED = 20  # names in a message


def quote(value: object) -> str:
    """Returns the value in single quotes, cut to 60 characters, with control characters escaped and without secrets."""
    text = redacted(_text(value))
    text = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + "'"


def listing(names: Collection[str], most: int = MAX_LISTED) -> str:
    """Returns `'a', 'b', 'c'`, at most `most` names."""
    shown = [quote(name) for name in islice(names, most)]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def allowed(names: Collection[str]) -> str:
    """Returns `allowed: 'a', 'b'`, or that there are no names."""
    return f"allowed: {listing(names)}" if names else "none are defined"


def closest(name: str, names: Collection[str]) -> str:
    """Returns the quoted name that is most similar to `name` but isn't the same, or "" if none is similar."""
    near = most_similar(name, names)
    return "" if near is None or near == name else quote(near)


def kind(value: object) -> str:
    """Describes a parsed YAML value, as in `the number 5`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {quote(value)[1:-1]}{_reading(value)}"
    if isinstance(value, str):
        return f"the text {quote(value)}"
    if isinstance(value, datetime.date):
        return f"the date {value}"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (tuple, list)):
        return "a list"
    return f"a {type(value).__name__}"


def kind_only(value: object) -> str:
    """Describes a parsed YAML value without quoting it: `a number`."""
    if value is None or isinstance(value, Mapping | tuple | list):
        return kind(value)
    if isinstance(value, bool):
        return "a boolean"
    return "text" if isinstance(value, str) else "a number" if isinstance(value, int | float) else "a date"


def _reading(number: float) -> str:
    """Returns how YAML reads a number that looks otherwise: ` (YAML reads 00123 as octal)`."""
    text = written(number).lstrip("+-")
    if text == str(abs(number)) or not isinstance(number, int):
        return ""
    shown = quote(text)[1:-1]
    if ":" in text:
        return f" (YAML reads {shown} in base 60)"
    base = {"0x": "hexadecimal", "0b": "binary"}.get(text[:2].lower(), "octal" if text.startswith("0") else "")
    return f" (YAML reads {shown} as {base})" if base else ""


def _text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to print whole numbers of more than 4,300 digits
        return "a number of thousands of digits"
