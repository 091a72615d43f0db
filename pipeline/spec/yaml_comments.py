"""Finds comments that were probably meant as text: YAML ignores what follows the `#` in `a mug in #1f4d3a`."""

from __future__ import annotations

import re

import yaml

COMMENT_RULE = "put the text in quotes, or write a blank after the '#' of a comment"

_AFTER_VALUE = re.compile(r"[ \t]+(#)(?=\S)")
_AFTER_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]+(#)(?=\S)")
_INSIDE_LINE = re.compile(r"(?<=\S)[ \t]+(#)(?=\S)")

_OPENING_QUOTE = re.compile(r"(?<=[\s:,\[{])'|'(?=[\s,\]}]|$)")


def comment_after(node: yaml.ScalarNode, text: str) -> int | None:
    """Returns the offset of a `#` that follows a value on its line and is followed by a non-blank; None without one.

    Values in quotes can't have been meant to go on.
    """
    if node.style in ("'", '"'):
        return None
    if node.style in ("|", ">"):
        match = _AFTER_BLOCK_HEADER.match(text, node.start_mark.index)
    else:
        match = _AFTER_VALUE.match(text, node.end_mark.index)
    return match.start(1) if match else None


def comment_between(text: str, start: yaml.Mark, end: yaml.Mark) -> int | None:
    """Returns the offset of the first such `#` in the lines before a syntax error; None if there is none."""
    first = text.rfind("\n", 0, max(text.rfind("\n", 0, start.index), 0)) + 1
    last = text.find("\n", end.index)
    for match in _INSIDE_LINE.finditer(text, first, len(text) if last < 0 else last):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if before.lstrip()[:1] != "#" and before.count('"') % 2 == 0 and len(_OPENING_QUOTE.findall(before)) % 2 == 0:
            return match.start(1)
    return None
