"""States of variants and their changes as lines of text, for terminals and comments."""

from __future__ import annotations

from collections.abc import Sequence

from brandpress.pipeline.plan.change import OTHER, Change, Value
from brandpress.pipeline.plan.state import State, VariantState
from brandpress.pipeline.plan.states_json import DIFFED
from brandpress.pipeline.plan.word_diff import Segment, diff_text, word_diff

SYMBOLS: dict[State, str] = {"new": "+", "stale": "~", "unchanged": "=", "held_back": "!", "orphaned": "-"}
LABELS: dict[State, str] = {"held_back": "held back"}

CONTEXT = 30
"""Characters of an unchanged text that are shown beside what has changed."""

MAX_TEXT = 400
"""Characters of a changed text."""

_DIGESTS = frozenset({"reference", "weights"})
_DIGITS = 8
_NAMES = {
    "negative_prompt": "negative prompt",
    "reference_order": "order of the references",
    "reference_pixels": "reference pixels",
}


def label(state: State) -> str:
    """Returns a state as people read it: `held back`."""
    return LABELS.get(state, state)


def state_line(one: VariantState) -> str:
    """Returns a variant's name with its state and the reasons: `~ mug/beach  stale: size: 64x64 → 128x128`."""
    reasons = "; ".join(reasons_of(one))
    return f"{SYMBOLS[one.state]} {one.name}  {label(one.state)}" + (f": {reasons}" if reasons else "")


def reasons_of(one: VariantState) -> list[str]:
    """Returns why a variant has its state, as far as the state itself doesn't say it."""
    reasons = list(map(change_text, one.changes))
    if one.cause is not None:
        reasons.append(f"failed before: {one.cause}")
    if one.state == "orphaned":
        reasons.append(_why_orphaned(one))
    if one.state == "unchanged" and not one.listed:
        reasons.append("to be published")
    return reasons


def _why_orphaned(one: VariantState) -> str:
    if one.delivered_as:
        return f"now delivered as {one.delivered_as}"
    return "another seed was picked" if one.picked_out else "no longer planned"


def change_text(change: Change) -> str:
    """Returns a change in one line: `reference product mug.png: 1a2b3c4d → 5e6f7a8b`."""
    if change.field == OTHER:
        return "the sampler's version, or something else that the picture's record doesn't hold"
    if change.field == "picture":
        return "the picture is missing in the store"
    name = " ".join(part for part in (_NAMES.get(change.field, change.field), change.subject) if part)
    if change.before is None and change.after is None:
        return name
    if change.field in DIFFED:
        return f"{name}: {shortened_diff(word_diff(str(change.before), str(change.after)))}"
    if change.field in _DIGESTS and change.before is None:
        return f"{name}: added, {_shown(change.field, change.after)}"
    if change.field in _DIGESTS and change.after is None:
        return f"{name}: removed, {_shown(change.field, change.before)}"
    because = f", because {change.cause}" if change.cause else ""
    return f"{name}: {_shown(change.field, change.before)} → {_shown(change.field, change.after)}{because}"


def shortened_diff(segments: Sequence[Segment]) -> str:
    """Returns a word diff with the unchanged words around the changes only."""
    shown = []
    for number, segment in enumerate(segments):
        before, after = number > 0, number < len(segments) - 1
        text = _shortened(segment.text, before, after) if segment.kind == "equal" else _cut(segment.text, MAX_TEXT)
        shown.append(Segment(segment.kind, text))
    return _cut(diff_text(shown), MAX_TEXT * 2)


def _shortened(text: str, changed_before: bool, changed_after: bool) -> str:
    """Returns the start of a text after a change and its end before one."""
    room = CONTEXT * (changed_before + changed_after)
    if len(text) <= room + 1:
        return text
    start = text[:CONTEXT] if changed_before else ""
    end = text[-CONTEXT:] if changed_after else ""
    return f"{start}…{end}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _shown(field: str, value: Value) -> str:
    if value is None:
        return "none" if field == "background" else "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = str(value)
    return text[:_DIGITS] if field in _DIGESTS else _cut(text, MAX_TEXT)
