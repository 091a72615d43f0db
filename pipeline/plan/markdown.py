"""A plan as a comment for a pull request, in GitHub's Markdown.

Names, prompts and causes come from specs and stores that strangers may have written. They are only shown in code spans,
where neither HTML nor Markdown nor mentions have an effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from brandpress.pipeline.plan.change_text import SYMBOLS, change_text, label, reasons_of
from brandpress.pipeline.plan.cost.text import cost_rows
from brandpress.pipeline.plan.state import VariantState, count_states, summarise_changes
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.plan.wording import plural, printable

MAX_CHARACTERS = 60_000
"""Of a comment: GitHub takes 65,536."""

MAX_SPAN = 500
MAX_REASONS = 20
MAX_WARNINGS = 20
_RESERVE = 200
"""Characters for the end of the comment."""


def plan_markdown(summary: Summary, limit: int | None = None) -> str:
    """Returns a plan as Markdown of at most 60,000 characters: counts, reasons, and a folded list.

    limit: how many changes to list; None: as many as fit. Its first line is an invisible mark with the campaign's name,
    by which a comment can be found and updated.
    """
    head = "\n".join([mark(summary.plan.campaign.name), *_head(summary), *_reasons(summary), *_warnings(summary)])
    return "\n".join([head, *_list(summary, MAX_CHARACTERS - len(head) - _RESERVE, limit)]).rstrip() + "\n"


def mark(campaign: str) -> str:
    """Returns the invisible first line of a campaign's comment, by which it's recognised."""
    return f"<!-- brandpress:plan {campaign} -->"


def code_span(text: str) -> str:
    """Returns any text as a code span, which shows it as it is: in one line, cut to 500 characters."""
    line = printable(" ".join(text.split()))
    line = line if len(line) <= MAX_SPAN else f"{line[: MAX_SPAN - 1]}…"
    if not line:
        return "` `"
    longest = max((len(ticks) for ticks in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def _head(summary: Summary) -> Iterator[str]:
    plan = summary.plan
    yield f"### brandpress plan: {code_span(plan.campaign.name)}"
    yield ""
    if summary.states is None:
        yield f"{plural(len(plan.variants), 'variant')}. The store can't be read: {code_span(summary.unknown or '')}"
        yield ""
        return
    counts = count_states(summary.states)
    yield "| " + " | ".join(label(state) for state in counts) + " |"
    yield "|" + "---:|" * len(counts)
    yield "| " + " | ".join(f"{count:,}" for count in counts.values()) + " |"
    yield ""
    work = [
        f"{summary.to_render:,} to render" if summary.to_render else "",
        f"{summary.unpublished:,} to publish" if summary.unpublished else "",
        f"{summary.removals:,} to remove" if summary.removals else "",
        f"{len(plan.picked_out):,} picked out" if plan.picked_out else "",
    ]
    listed = ", ".join(text for text in ("" if any(work[:3]) else "nothing to do", *work) if text)
    yield f"{plural(plan.planned, 'variant')}: {listed}. Model {code_span(plan.model.name)}."
    if summary.selection is not None:
        terms = " ".join(map(code_span, summary.selection.written))
        yield f"Selected: {plural(len(summary.selected_variants), 'variant')} by {terms}."
    yield ""
    rows = cost_rows(summary.cost, elsewhere=True)
    yield from (f"- {name}: {code_span(text)}" for name, text in rows.items())
    if rows:
        yield ""


def _reasons(summary: Summary) -> Iterator[str]:
    reasons = list(summarise_changes(summary.selected))
    if not reasons:
        return
    yield "**Why stale**"
    yield ""
    for change, count in reasons[:MAX_REASONS]:
        yield f"- {code_span(change_text(change))}: {plural(count, 'variant')}"
    if len(reasons) > MAX_REASONS:
        yield f"- and {len(reasons) - MAX_REASONS:,} more reasons"
    yield ""


def _warnings(summary: Summary) -> Iterator[str]:
    if not summary.warnings:
        return
    yield "**Warnings**"
    yield ""
    for warning in summary.warnings[:MAX_WARNINGS]:
        yield f"- {code_span(warning)}"
    if len(summary.warnings) > MAX_WARNINGS:
        yield f"- and {len(summary.warnings) - MAX_WARNINGS:,} more"
    yield ""


def _list(summary: Summary, room: int, limit: int | None) -> Iterator[str]:
    """Yields the folded list, as far as there is room for it."""
    listed = summary.listed
    if not listed or limit == 0:
        return
    yield "<details>"
    yield f"<summary>{plural(len(listed), 'change' if summary.selection is None else 'variant')}</summary>"
    yield ""
    shown = 0
    for one in listed[:limit]:
        line = _item(one)
        room -= len(line) + 1
        if room < 0:
            break
        shown += 1
        yield line
    if shown < len(listed):
        yield f"- and {len(listed) - shown:,} more"
    yield ""
    yield "</details>"


def _item(one: VariantState) -> str:
    reasons = "; ".join(reasons_of(one))
    return f"- `{SYMBOLS[one.state]}` {code_span(one.name)} {label(one.state)}" + (
        f": {code_span(reasons)}" if reasons else ""
    )
