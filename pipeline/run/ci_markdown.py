"""A plan and the outcome of a run in Markdown, for comments on pull requests and for summaries of CI jobs."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.run.work import Work
from brandpress.pipeline.spec.problem import Problem

SHOWN_NAMES = 20
SHOWN_PICTURES = 24
PICTURE_PIXELS = 160
PER_ROW = 6


def plan_markdown(campaign: str, uri: str, work: Work) -> str:
    """Returns what a run would do."""
    rows = [
        ("new", len(work.new)),
        ("replaced, because something about them changed", len(work.stale)),
        ("done, nothing to do", work.done),
        ("held back, because they failed too often", work.held_back),
        ("rendered, to publish", work.unpublished),
        ("published, to remove", work.removals),
        ("not published, because another seed was picked", work.picked_out),
    ]
    title = f"### brandpress: {code(campaign)}"
    lines = [title, "", "| pictures | |", "|---|--:|", f"| planned | {work.planned:,} |"]
    lines += [f"| {label} | {count:,} |" for label, count in rows if count]
    lines += ["", "Nothing to render." if not (work.new or work.stale) else f"Delivered to {code(uri)}.", ""]
    lines += [*_names("New", work.new), *_names("Replaced", work.stale)]
    return "\n".join(lines).rstrip() + "\n"


def outcome_markdown(campaign: str, outcome: Outcome, pictures: Sequence[tuple[str, str]], sheet: str | None) -> str:
    """Returns what a run has done. pictures: (name, URL) of those that readers can open. sheet: the sheet's file."""
    counts = {
        "rendered now": outcome.done,
        "done before": outcome.skipped,
        "failed": outcome.failed,
        "held back": len(outcome.held_back),
        "left": outcome.left,
    }
    lines = [f"### brandpress: {code(campaign)}", "", "| pictures | |", "|---|--:|"]
    lines += [f"| {label} | {count:,} |" for label, count in counts.items() if count]
    lines += [f"| cost | {outcome.cost:,.1f} credits |"] if outcome.cost is not None else []
    lines.append("")
    if outcome.manifest:
        lines.append(f"Manifest: {code(f'{outcome.uri}/{outcome.manifest}')}")
    elif outcome.withheld:
        lines.append("Not published, because `publish: whole` asks for all pictures.")
    if sheet:
        lines += ["", f"Contact sheet: {code(sheet)}"]
    lines += ["", *_gallery(pictures), *_failures(outcome.failures)]
    return "\n".join(lines).rstrip() + "\n"


def problems_markdown(campaign: str, problems: Sequence[Problem]) -> str:
    """Returns the problems of a campaign's files."""
    lines = [f"### brandpress: {code(campaign)}", "", "The specs have problems; nothing can be rendered.", ""]
    lines += [f"- {code(str(problem))}" for problem in problems[:SHOWN_NAMES]]
    if len(problems) > SHOWN_NAMES:
        lines.append(f"- and {len(problems) - SHOWN_NAMES:,} more")
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Returns a text as code, so that nothing in it is taken for Markdown, HTML or a mention."""
    flat = " ".join(text.split()).replace("`", "'").replace("|", "¦")
    return f"`{flat}`"


def _names(label: str, names: Sequence[str]) -> Iterator[str]:
    if not names:
        return
    yield f"<details><summary>{label}: {len(names):,}</summary>"
    yield ""
    yield from (f"- {code(name)}" for name in names[:SHOWN_NAMES])
    if len(names) > SHOWN_NAMES:
        yield f"- and {len(names) - SHOWN_NAMES:,} more"
    yield ""
    yield "</details>"
    yield ""


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
    yield from (f"- {code(failure.name)}: {code(failure.cause)}" for failure in failures[:SHOWN_NAMES])
    if len(failures) > SHOWN_NAMES:
        yield f"- and {len(failures) - SHOWN_NAMES:,} more"
