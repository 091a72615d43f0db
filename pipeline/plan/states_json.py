"""States, changes and locks as plain JSON values, for `plan --json`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from brandpress.pipeline.plan.change import Change
from brandpress.pipeline.plan.locked import LockUse
from brandpress.pipeline.plan.state import VariantState, summarise_changes
from brandpress.pipeline.plan.word_diff import diff_text, word_diff

DIFFED = frozenset({"prompt", "negative_prompt"})
"""Fields whose texts are compared word by word."""


def list_json(states: Iterable[VariantState], limit: int | None = None) -> list[dict[str, Any]]:
    """Returns the first `limit` states; None: all."""
    return [state_json(one) for one in islice(states, limit)]


def state_json(one: VariantState) -> dict[str, Any]:
    """Returns a variant's state. render_key: as planned; None if it's orphaned. published_render_key: of the picture
    under its name. published: whether that is the variant's own, current picture. awaits: what it needs before it's
    published: `check` or `approval`."""
    return {
        "name": one.name,
        "state": one.state,
        "axes": dict(one.axes),
        "seed": one.seed,
        "render_key": one.variant and one.variant.render_key,
        "published_render_key": one.previous_key,
        "published": one.listed,
        "changes": list(map(change_json, one.changes)),
        "cause": one.cause,
        "delivered_as": one.delivered_as,
        "picked_out": one.picked_out,
        "awaits": one.awaits,
    }


def change_json(change: Change) -> dict[str, Any]:
    """Returns a change. diff: of prompts, in the notation of wdiff."""
    values: dict[str, Any] = {"field": change.field, "before": change.before, "after": change.after}
    if change.subject:
        values["subject"] = change.subject
    if change.field in DIFFED:
        values["diff"] = diff_text(word_diff(str(change.before), str(change.after)))
    return values


def reasons_json(states: Iterable[VariantState]) -> Iterator[dict[str, Any]]:
    """Yields why variants are stale, and how many for each reason."""
    for change, count in summarise_changes(states):
        yield {
            "field": change.field,
            "subject": change.subject or None,
            "before": change.before,
            "after": change.after,
            "variants": count,
        }


def lock_json(use: LockUse | None) -> dict[str, Any] | None:
    """Returns how a campaign's lock is used. replaces_files: whether it stands in for the model's files, and `missing`
    why."""
    if use is None:
        return None
    return {
        "file": use.file.name,
        "replaces_files": use.missing is not None,
        "missing": use.missing,
        "differences": list(use.differences),
    }
