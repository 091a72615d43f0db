"""The outcome of a run, and problems of specs, in Markdown for summaries of CI jobs."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.markdown import code_span, mark
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.spec.problem import Problem

SHOWN_NAMES = 20
SHOWN_PICTURES = 24
PICTURE_PIXELS = 160
PER_ROW = 6


def outcome_markdown(campaign: str, outcome: Outcome, pictures: Sequence[tuple[str, str]], sheet: str | None) -> str:
    """Returns what a run has done. pictures: (name, URL) of those that readers can open. sheet: the sheet's file."""
    counts = {
        "rendered now": outcome.done,
        "done before": outcome.skipped,
        "failed": outcome.failed,
        "held back": len(outcome.held_back),
        "left": outcome.left,
        "dropped by the quality gate": outcome.gate.dropped if outcome.gate else 0,
        "flagged by the quality gate": outcome.gate.flagged if outcome.gate else 0,
        "to be approved": outcome.published.unapproved if outcome.published else 0,
        "published from before": outcome.published.stale if outcome.published else 0,
    }
    lines = [f"### brandpress: {code_span(campaign)}", "", "| pictures | |", "|---|--:|"]
    lines += [f"| {label} | {count:,} |" for label, count in counts.items() if count]
    lines += [f"| cost | {outcome.cost:,.1f} credits |"] if outcome.cost is not None else []
    lines.append("")
    if outcome.manifest:
        lines.append(f"Manifest: {code_span(f'{outcome.uri}/{outcome.manifest}')}")
    elif outcome.withheld:
        lines.append("Not published, because the job's `publish:` asks for more pictures.")
    if sheet:
        lines += ["", f"Contact sheet: {code_span(sheet)}"]
    lines += ["", *_gallery(pictures), *_failures(outcome.failures)]
    return "\n".join(lines).rstrip() + "\n"


def problems_markdown(campaign: str, problems: Sequence[Problem]) -> str:
    """Returns the problems of a campaign's files."""
    lines = [f"### brandpress: {code_span(campaign)}", "", "The specs have problems; nothing can be rendered.", ""]
    lines += [f"- {code_span(str(problem))}" for problem in problems[:SHOWN_NAMES]]
    if len(problems) > SHOWN_NAMES:
        lines.append(f"- and {len(problems) - SHOWN_NAMES:,} more")
    return "\n".join(lines) + "\n"


def problems_comment(campaign: str, file: str, problems: Sequence[Problem]) -> str:
    """Returns the same as a comment that takes the place of the campaign's plan. file: the job's."""
    return f"{mark(campaign)}\n{problems_markdown(file, problems)}"


def _gallery(pictures: Sequence[tuple[str, str]]) -> Iterator[str]:
    shown = pictures[:SHOWN_PICTURES]
    for start in range(0, len(shown), PER_ROW):
        row = shown[start : start + PER_ROW]
        yield "<p>" + " ".join(_image(name, url) for name, url in row) + "</p>"
    if len(pictures) > len(shown):
        yield f"and {len(pictures) - len(shown):,} more"
    if shown:
        yield ""


def _image(name: str, url: str) -> str:
    return f'<a href="{_html(url)}"><img src="{_html(url)}" width="{PICTURE_PIXELS}" alt="{_html(name)}"></a>'


def _html(text: str) -> str:
    return html.escape(" ".join(text.split()))


def _failures(failures: Iterable[Failure]) -> Iterator[str]:
    failures = list(failures)
    yield from (f"- {code_span(failure.name)}: {code_span(failure.cause)}" for failure in failures[:SHOWN_NAMES])
    if len(failures) > SHOWN_NAMES:
        yield f"- and {len(failures) - SHOWN_NAMES:,} more"
