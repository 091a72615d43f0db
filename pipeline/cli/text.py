"""The commands' output as lines of text."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

import typer

from brandpress.pipeline.cli.outcome_text import cause_lines, headline, published_counts
from brandpress.pipeline.cli.streams import has_keyboard
from brandpress.pipeline.deliver.clean import GarbageSet
from brandpress.pipeline.deliver.manifest import Published
from brandpress.pipeline.deliver.status import CampaignStatus, Failure
from brandpress.pipeline.deliver.verify import Verification
from brandpress.pipeline.plan.cost.text import short
from brandpress.pipeline.plan.validate import Validation
from brandpress.pipeline.plan.wording import plural as plural
from brandpress.pipeline.plan.wording import printable as printable
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.picture_gate import GateOutcome
from brandpress.pipeline.render.driver.spending import Spent

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.restore import Restoration

SHOWN_FAILURES = 20
SHOWN_PROBLEMS = 50


def print_lines(lines: Iterable[str], file: TextIO | None = None) -> None:
    """Prints lines on `file`; default: stdout. Characters that could control a terminal are escaped."""
    for line in lines:
        typer.echo(printable(line), file=file)
    (file or sys.stdout).flush()


def validation_lines(validations: Sequence[Validation]) -> Iterator[str]:
    """`validate`: a line for each valid file."""
    for validation in validations:
        if not validation.problems:
            variants = "" if validation.variants is None else f", {plural(validation.variants, 'variant')}"
            yield printable(f"{validation.file}: ok, {validation.kind} {validation.name}{variants}")


def warning_lines(validations: Sequence[Validation]) -> Iterator[str]:
    """`validate`: every warning once, even if two files share it."""
    warnings = dict.fromkeys(warning for validation in validations for warning in validation.warnings)
    yield from (printable(str(warning)) for warning in warnings)


def problem_lines(validations: Sequence[Validation]) -> Iterator[str]:
    """`validate`: every problem once, even if two files share it, and their number."""
    problems = list(dict.fromkeys(problem for validation in validations for problem in validation.problems))
    yield from (printable(str(problem)) for problem in problems)
    if problems:
        files = len({problem.file for problem in problems})
        yield f"{plural(len(problems), 'problem')} in {plural(files, 'file')}"


def broken_picture_lines(broken: Sequence[str]) -> Iterator[str]:
    """`sheet`: the pictures that have a placeholder, and their number."""
    yield from first_lines(broken)
    if broken:
        yield f"{plural(len(broken), 'placeholder')} on the sheet; `brandpress verify` checks all pictures"


def first_lines(texts: Sequence[str]) -> Iterator[str]:
    """The first texts, and how many more there are."""
    yield from (printable(text) for text in texts[:SHOWN_FAILURES])
    if len(texts) > SHOWN_FAILURES:
        yield f"and {len(texts) - SHOWN_FAILURES:,} more"


def _dropped(outcome: Outcome) -> str:
    return f", {outcome.gate.dropped:,} dropped by the quality gate" if outcome.gate and outcome.gate.dropped else ""


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """`render`: the summary at the end of a run."""
    held_back = f", {len(outcome.held_back):,} held back" if outcome.held_back else ""
    not_selected = f", {outcome.not_selected:,} not selected" if outcome.not_selected else ""
    yield headline(outcome)
    yield (
        f"{outcome.planned:,} planned: {outcome.skipped:,} done before, {outcome.done:,} rendered now, "
        f"{outcome.failed:,} failed{held_back}{not_selected}, {outcome.left:,} left{_picked_out(outcome.picked_out)}"
        f"{_dropped(outcome)}"
    )
    if outcome.done:
        minute = 60 * outcome.done / outcome.seconds
        rate = f"{minute:.1f} pictures a minute, {outcome.seconds / outcome.done:.1f} s per picture"
        yield f"took {duration(outcome.seconds)}: {rate}, with starting and loading"
    if outcome.gate is not None:
        yield gate_line(outcome.gate, outcome.seconds)
    if outcome.cost is not None:
        yield f"cost: {outcome.cost:,.1f} credits"
    if outcome.spent is not None and (outcome.budget or outcome.spent.pictures):
        budget = f"; the budget is {outcome.budget}" if outcome.budget else ""
        yield f"spent: {_spent(outcome.spent)}{budget}"
    if outcome.cache:
        kinds = [f"{kind} {use.hits / use.uses:.0%} of {use.uses:,}" for kind, use in outcome.cache.items()]
        yield f"cache hits: {', '.join(kinds)}"
    if outcome.outside_model is not None and outcome.done:
        yield f"time outside the model: {outcome.outside_model:.1%} of the workers' busy time"
    if outcome.published and (counts := published_counts(outcome.published)):
        yield counts
    yield published_line(outcome)
    yield from cause_lines(outcome.failures)
    yield from cause_lines(outcome.held_back, "held back")
    if outcome.ended_early:
        yield f"ended early: {outcome.ended_early}; run the same command again to continue"
    elif outcome.interrupted:
        following = "run the same command again to continue"
        yield f"interrupted; {following if has_keyboard() else 'what was delivered stays, and another run continues'}"
    elif outcome.stopped_by == "budget":
        yield f"stopped at the budget with {outcome.left:,} left; run the same command again to spend as much once more"
    elif outcome.failed or outcome.held_back:
        yield "run the same command with --retry-failed to retry only these"


def _spent(spent: Spent) -> str:
    parts = [] if spent.gpu_minutes is None else [f"{short(spent.gpu_minutes)} {spent.unit}"]
    parts.append(plural(spent.pictures, "picture"))
    parts += [] if spent.money is None else [f"{short(spent.money)} {spent.currency}"]
    return ", ".join(parts)


def gate_line(gate: GateOutcome, seconds: float) -> str:
    """What the quality gate did in a run, and its share of the run's time."""
    counts = {
        "rendered again": gate.retried,
        "with a warning": gate.warned,
        "flagged": gate.flagged,
        "dropped": gate.dropped,
        "failed": gate.failed,
        "not judged yet": gate.unchecked,
        "for people to look at": gate.review,
    }
    others = "".join(f", {count:,} {text}" for text, count in counts.items() if count)
    share = f" ({gate.seconds / seconds:.0%} of the run)" if seconds and gate.judged else ""
    return f"quality gate: {gate.judged:,} judged in {duration(gate.seconds)}{share}{others}"


def published_line(outcome: Outcome) -> str:
    """The manifest of a run, or why there is none."""
    if outcome.manifest:
        return f"manifest: {outcome.uri}/{outcome.manifest}"
    if outcome.withheld:
        return f"not published, because the job's `publish:` asks for more pictures: {outcome.uri}/{outcome.withheld}"
    return f"nothing is published in {outcome.uri}"


def status_lines(status: CampaignStatus, uri: str) -> Iterator[str]:
    """`status` of the campaign in the folder `uri`."""
    if status.note:
        yield f"counts of the latest manifest, because the job's variants aren't known here: {status.note}"
    counts = f"{status.done:,} done, {status.failed:,} failed, {status.missing:,} missing"
    more = {"dropped": status.dropped, "to be checked": status.unchecked, "to be approved": status.unapproved}
    others = "".join(f", {count:,} {name}" for name, count in more.items() if count)
    yield f"{status.planned:,} planned: {counts}{others}{_picked_out(status.picked_out)}"
    yield f"manifest: {uri}/{status.manifest}" if status.manifest else f"nothing is published in {uri}"
    yield from failure_lines(status.failures)


def verification_lines(verification: Verification, uri: str, restoration: Restoration | None = None) -> Iterator[str]:
    """`verify` of the campaign in the folder `uri`. restoration: what `--repair` did."""
    numbers: Counter[str] = Counter(problem.kind for problem in verification.problems)
    shown = ("missing", "changed", "unknown", *(kind for kind in ("unmarked", "untrusted") if numbers[kind]))
    counts = [f"{numbers[kind]:,} {kind}" for kind in shown]
    yield f"{uri}/{verification.manifest}"
    verified = f"{plural(verification.objects, 'object')}, {plural(verification.bytes, 'byte')}"
    signatures = ""
    if verification.trusted is not None:
        unsigned = f", {verification.unsigned:,} unsigned" if verification.unsigned else ""
        signatures = f"; {plural(verification.trusted, 'trusted signature')}{unsigned}"
    yield f"{verified} verified: {', '.join(counts)}{signatures}"
    for problem in verification.problems[:SHOWN_PROBLEMS]:
        yield f"{problem.kind}: {problem.key} ({problem.detail})"
    if len(verification.problems) > SHOWN_PROBLEMS:
        yield f"and {len(verification.problems) - SHOWN_PROBLEMS:,} more"
    if restoration is not None:
        yield from _restoration_lines(restoration, uri)


def _restoration_lines(restoration: Restoration, uri: str) -> Iterator[str]:
    """`verify --repair`: what was restored, and whether anything is left."""
    done = (
        f"{plural(len(restoration.copied), 'picture')} copied, {plural(len(restoration.rewritten), 'record')} rewritten"
    )
    yield f"{done}, {plural(len(restoration.rendered), 'picture')} rendered again"
    if restoration.new_manifest:
        yield f"a new manifest was published, because what it lists has changed: {uri}/{restoration.after.manifest}"
    left = restoration.after.broken
    for problem in left[:SHOWN_PROBLEMS]:
        yield f"still {problem.kind}: {problem.key}"
    yield f"{plural(len(left), 'object')} left; `brandpress render` restores lost pictures" if left else "intact now"


def history_lines(history: Iterable[Published], latest: str) -> Iterator[str]:
    """`rollback`: the manifests, newest first, with a mark at `latest`, the key that the pointer names, and at withheld
    ones."""
    for published in history:
        manifest = published.manifest
        withheld = "  withheld" if manifest.withheld else ""
        mark = "  <- latest" if published.pointer.manifest == latest else withheld
        counts = (
            f"{manifest.counts.done:,} of {manifest.counts.planned:,} done{_picked_out(manifest.counts.picked_out)}"
        )
        yield f"{manifest.number}  {manifest.created:%Y-%m-%d %H:%M} UTC  {counts}{mark}"


def garbage_lines(garbage: GarbageSet, uri: str, *, deleted: bool) -> Iterator[str]:
    """`clean` of the campaign in the folder `uri`."""
    kept_manifests = f"{plural(len(garbage.kept_manifests), 'manifest')} kept"
    objects = f"{plural(len(garbage.entries), 'object')}, {size(garbage.bytes)},"
    if deleted:
        yield f"{objects} deleted in {uri}; {kept_manifests}"
        return
    for entry in garbage.entries[:SHOWN_PROBLEMS]:
        yield f"{entry.key} ({size(entry.bytes)})"
    if len(garbage.entries) > SHOWN_PROBLEMS:
        yield f"and {len(garbage.entries) - SHOWN_PROBLEMS:,} more"
    hint = "; run again with --yes to delete them" if garbage.entries else ""
    young = f"; {plural(garbage.too_young, 'more object')} still too young (--hours)" if garbage.too_young else ""
    yield f"{objects} can be deleted in {uri}; {kept_manifests}{young}{hint}"


def failure_lines(failures: tuple[Failure, ...], label: str | None = None) -> Iterator[str]:
    """The first failures, one per line. label: each line's prefix; default: `failed` or `quarantined`."""
    for failure in failures[:SHOWN_FAILURES]:
        status = "quarantined" if failure.quarantined else "failed"
        yield f"{label or status}: {failure.name}: {failure.cause}"
    if len(failures) > SHOWN_FAILURES:
        yield f"and {len(failures) - SHOWN_FAILURES:,} more; `brandpress status --json` lists them all"


def _picked_out(count: int) -> str:
    return f", {count:,} picked out" if count else ""


def duration(seconds: float) -> str:
    """`7.2 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def approximately(seconds: float) -> str:
    """`about 40 s`, `about 4 min`, `about 2 h 30 min`: precise enough for a time that is estimated."""
    if seconds < 60:
        return f"about {max(1, round(seconds)):,} s"
    if seconds < 3600:
        return f"about {round(seconds / 60):,} min"
    hours, tens = divmod(round(seconds / 600), 6)
    return f"about {hours:,} h" + (f" {10 * tens} min" if tens and hours < 10 else "")


def size(count: int) -> str:
    """`512 bytes`, `30.0 kB`, `5.0 MB`, `1.2 GB`: in powers of ten."""
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if round(count / 10**power, 1) >= 1:
            return f"{count / 10**power:,.1f} {unit}"
    return plural(count, "byte")
