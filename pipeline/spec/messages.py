"""Formats values for messages: quoted, shortened, listed, and the closest of the allowed names."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Collection, Mapping

MAX_CHARACTERS = 60  # of a value in a message
MAX_LISTED = 20  # names in a message


def quote(value: object) -> str:
    """Returns the value in single quotes, cut to 60 characters, with control characters escaped."""
    text = str(value)
    text = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + "'"


def listing(names: Collection[str]) -> str:
    """Returns `'a', 'b', 'c'`, at most twenty names."""
    shown = [quote(name) for name in list(names)[:MAX_LISTED]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def allowed(names: Collection[str]) -> str:
    """Returns `allowed: 'a', 'b'`, or that there are no names."""
    return f"allowed: {listing(names)}" if names else "none are defined"


def closest(name: str, names: Collection[str]) -> str:
    """Returns the quoted name that is most similar to `name`, or "" if none is similar."""
    folded = {_fold(candidate): candidate for candidate in reversed(list(names))}
    near = difflib.get_close_matches(_fold(name[:MAX_CHARACTERS]), folded, n=1, cutoff=0.6)
    return quote(folded[near[0]]) if near else ""


def kind(value: object) -> str:
    """Describes a parsed YAML value, as in `the number 5`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {quote(value)[1:-1]}"
    if isinstance(value, str):
        return f"the text {quote(value)}"
    if isinstance(value, datetime.date):
        return f"the date {value}"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (tuple, list)):
        return "a list"
    return f"a {type(value).__name__}"


def _fold(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")
