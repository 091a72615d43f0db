"""The difference of two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MAX_COMPARED_WORDS = 400
"""Between the words that both texts begin and end with. Longer middles are shown as replaced as a whole, because
comparing takes time in the square of their lengths."""

_WORDS = re.compile(r"\s*\S+|\s+")


class Segment(NamedTuple):
    """A part of both texts, or of one of them. Spaces belong to the word that they precede."""

    kind: Literal["equal", "removed", "added"]
    text: str


def word_diff(before: str, after: str) -> tuple[Segment, ...]:
    """Returns the segments that turn `before` into `after`. The equal and removed ones together are `before`, the equal
    and added ones `after`."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = _common_prefix(old, new)
    end = _common_prefix(old[start:][::-1], new[start:][::-1])
    segments = [
        _segment("equal", old[:start]),
        *_middle(old[start : len(old) - end], new[start : len(new) - end]),
        _segment("equal", old[len(old) - end :]),
    ]
    return tuple(segment for segment in segments if segment.text)


def diff_text(segments: Sequence[Segment]) -> str:
    """Returns the segments as one text: `a green mug [-on a beach-]{+at sea+}`, the notation of wdiff."""
    return "".join(_marked(segment) for segment in segments)


def _marked(segment: Segment) -> str:
    if segment.kind == "equal":
        return segment.text
    bare = segment.text.lstrip()
    space = segment.text[: len(segment.text) - len(bare)]
    return f"{space}[-{bare}-]" if segment.kind == "removed" else f"{space}{{+{bare}+}}"


def _segment(kind: Literal["equal", "removed", "added"], words: Sequence[str]) -> Segment:
    return Segment(kind, "".join(words))


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[Segment]:
    if not old or not new or max(len(old), len(new)) > MAX_COMPARED_WORDS:
        yield from (_segment("removed", old), _segment("added", new))
        return
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield _segment("equal", old[old_start:old_end])
        else:
            yield _segment("removed", old[old_start:old_end])
            yield _segment("added", new[new_start:new_end])


def _common_prefix(one: Sequence[str], other: Sequence[str]) -> int:
    """Returns how many words both sequences begin with."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
