"""How messages name values: quoted and short, listed, and the closest of what is allowed."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Collection, Mapping

SHOWN = 60  # characters of a value that a message shows
LISTED = 20  # names that a message lists


def quote(value: object) -> str:
    """The value in single quotes, cut to 60 characters, with control characters escaped."""
    text = str(value)
    text = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + "'"


def listing(names: Collection[str]) -> str:
    """`'a', 'b', 'c'`, at most twenty of them."""
    shown = [quote(name) for name in list(names)[:LISTED]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def allowed(names: Collection[str]) -> str:
    """`allowed: 'a', 'b'`, or that there is nothing to choose from."""
    return f"allowed: {listing(names)}" if names else "there are none to choose from"


def closest(name: str, names: Collection[str]) -> str:
    """The quoted name that is most like `name`, or "" when none is near."""
    folded = {_fold(candidate): candidate for candidate in reversed(list(names))}
    near = difflib.get_close_matches(_fold(name[:SHOWN]), folded, n=1, cutoff=0.6)
    return quote(folded[near[0]]) if near else ""


def kind(value: object) -> str:
    """What YAML made of a value, in the words of messages."""
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
