"""The parts of a run's summary that say how it ended and why pictures failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brandpress.pipeline.cli.exit_codes import BROKEN, MEANINGS, OK, outcome_exit_code
from brandpress.pipeline.deliver.manifest import Counts
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.shared_cause import pattern_of

SHOWN_CAUSES = 10
SHOWN_NAMES = 3


def headline(outcome: Outcome) -> str:
    """`spring: done`, `spring: some variants failed (exit code 3)`."""
    code = outcome_exit_code(outcome)
    if code != OK:
        meaning = "some variants failed" if code == BROKEN and outcome.failed else MEANINGS[code]
        text = f"{meaning} (exit code {code})"
    elif outcome.left:
        text = f"{outcome.left:,} left for the next run"
    else:
        text = MEANINGS[OK]
    return f"{outcome.campaign}: {text}"


def published_counts(counts: Counts) -> str | None:
    """`published: 9 of 10 variants, 1 of them with their earlier pictures`; None if the manifest has all."""
    planned = counts.planned - counts.picked_out
    if counts.done == planned:
        return None
    stale = f", {counts.stale:,} of them with their earlier pictures" if counts.stale else ""
    unapproved = f"; {counts.unapproved:,} to be approved" if counts.unapproved else ""
    return f"published: {counts.done + counts.stale:,} of {planned:,} variants{stale}{unapproved}"


def cause_lines(failures: Sequence[Failure], label: str | None = None) -> Iterator[str]:
    """A line for each cause, the most frequent first, with the first variants that it has.

    label: each line's prefix; default: `failed` or `quarantined`.
    """
    groups: dict[tuple[bool, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.quarantined, pattern_of(failure.cause)), []).append(failure)
    ordered = sorted(groups.values(), key=len, reverse=True)
    for group in ordered[:SHOWN_CAUSES]:
        prefix = label or ("quarantined" if group[0].quarantined else "failed")
        names = ", ".join(failure.name for failure in group[:SHOWN_NAMES])
        more = f" and {len(group) - SHOWN_NAMES:,} more" if len(group) > SHOWN_NAMES else ""
        yield f"{prefix}: {names}{more}: {group[0].cause}"
    if len(ordered) > SHOWN_CAUSES:
        yield f"and {len(ordered) - SHOWN_CAUSES:,} more causes; `brandpress status --json` lists all failures"
