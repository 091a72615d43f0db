"""What a run, a status and a verification say: as lines for people and as plain JSON values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from brandpress.model.memory.plan import gigabytes
from brandpress.pipeline.deliver.clean import GarbageSet
from brandpress.pipeline.deliver.manifest import Published
from brandpress.pipeline.deliver.status import CampaignStatus, Failure
from brandpress.pipeline.deliver.verify import Verification
from brandpress.pipeline.render.driver.outcome import Outcome

SHOWN_FAILURES = 20
SHOWN_PROBLEMS = 50


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """The summary at the end of `brandpress render`."""
    held_back = f", {len(outcome.held_back):,} held back" if outcome.held_back else ""
    yield (
        f"{outcome.planned:,} planned: {outcome.skipped:,} done before, {outcome.done:,} rendered now, "
        f"{outcome.failed:,} failed{held_back}, {outcome.left:,} left"
    )
    if outcome.done:
        yield f"took {duration(outcome.seconds)}, {outcome.seconds / outcome.done:.1f} s a picture"
    if outcome.cost is not None:
        yield f"cost: {outcome.cost:,.1f} credits"
    if outcome.cache:
        kinds = [f"{kind} {use.hits / use.uses:.0%} of {use.uses:,}" for kind, use in outcome.cache.items()]
        yield f"cache hits: {', '.join(kinds)}"
    if outcome.outside_model is not None and outcome.done:
        yield f"time outside the model: {outcome.outside_model:.1%} of the workers' busy time"
    yield (
        f"manifest: {outcome.uri}/{outcome.manifest}" if outcome.manifest else f"nothing is published in {outcome.uri}"
    )
    yield from failure_lines(outcome.failures)
    yield from failure_lines(outcome.held_back, "held back")
    if outcome.interrupted:
        yield "interrupted; the same command goes on where this one ended"
    elif outcome.failed or outcome.held_back:
        yield "`brandpress render --retry-failed` tries just these again"


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The summary as plain JSON values: `skipped` were done before, `done` now; `held_back` took workers down before
    and weren't tried; outside_model is a share of 1, cost in a hosted tier's credits."""
    return {
        "counts": {
            "planned": outcome.planned,
            "skipped": outcome.skipped,
            "done": outcome.done,
            "failed": outcome.failed,
            "held_back": len(outcome.held_back),
            "left": outcome.left,
        },
        "failed": failures_json(outcome.failures),
        "held_back": failures_json(outcome.held_back),
        "folder": outcome.uri,
        "manifest": outcome.manifest,
        "seconds": round(outcome.seconds, 3),
        "cost": None if outcome.cost is None else round(outcome.cost, 4),
        "cache": {kind: {"hits": use.hits, "uses": use.uses} for kind, use in outcome.cache.items()},
        "outside_model": None if outcome.outside_model is None else round(outcome.outside_model, 4),
        "interrupted": outcome.interrupted,
    }


def status_lines(status: CampaignStatus, uri: str) -> Iterator[str]:
    """What `brandpress status` says."""
    yield f"{status.planned:,} planned: {status.done:,} done, {status.failed:,} failed, {status.missing:,} missing"
    yield f"manifest: {uri}/{status.manifest}" if status.manifest else f"nothing is published in {uri}"
    yield from failure_lines(status.failures)


def status_json(status: CampaignStatus, uri: str) -> dict[str, Any]:
    """The status as plain JSON values."""
    return {
        "counts": {
            "planned": status.planned,
            "done": status.done,
            "failed": status.failed,
            "missing": status.missing,
        },
        "failed": failures_json(status.failures),
        "folder": uri,
        "manifest": status.manifest,
    }


def verification_lines(verification: Verification, uri: str) -> Iterator[str]:
    """What `brandpress verify` says."""
    kinds = ("missing", "changed", "unknown")
    counts = [f"{sum(problem.kind == kind for problem in verification.problems):,} {kind}" for kind in kinds]
    yield f"{uri}/{verification.manifest}"
    yield f"{verification.objects:,} objects, {verification.bytes:,} bytes read again: {', '.join(counts)}"
    for problem in verification.problems[:SHOWN_PROBLEMS]:
        yield f"{problem.kind}: {problem.key} ({problem.detail})"
    if len(verification.problems) > SHOWN_PROBLEMS:
        yield f"and {len(verification.problems) - SHOWN_PROBLEMS:,} more"


def verification_json(verification: Verification, uri: str) -> dict[str, Any]:
    """The verification as plain JSON values."""
    return {
        "intact": verification.intact,
        "folder": uri,
        "manifest": verification.manifest,
        "objects": verification.objects,
        "bytes": verification.bytes,
        "problems": [
            {"kind": problem.kind, "key": problem.key, "detail": problem.detail} for problem in verification.problems
        ],
    }


def history_lines(history: Iterable[Published], latest: str) -> Iterator[str]:
    """The manifests of a campaign, the newest first, and which is the latest by the pointer."""
    for published in history:
        manifest = published.manifest
        mark = "  <- latest" if published.pointer.manifest == latest else ""
        counts = f"{manifest.counts.done:,} of {manifest.counts.planned:,} done"
        yield f"{manifest.number}  {manifest.created:%Y-%m-%d %H:%M} UTC  {counts}{mark}"


def history_json(history: Iterable[Published], latest: str) -> dict[str, Any]:
    """The manifests as plain JSON values."""
    return {
        "latest": latest,
        "manifests": [
            {"manifest": published.pointer.manifest, **published.manifest.model_dump(mode="json", exclude={"parts"})}
            for published in history
        ],
    }


def garbage_lines(sweep: GarbageSet, uri: str, deleted: bool) -> Iterator[str]:
    """What `brandpress clean` says."""
    kept = f"{len(sweep.kept_manifests):,} manifest{'s' if len(sweep.kept_manifests) != 1 else ''} kept"
    what = f"{len(sweep.entries):,} objects, {gigabytes(sweep.bytes)}"
    if deleted:
        yield f"{what} deleted in {uri}, {kept}"
        return
    for entry in sweep.entries[:SHOWN_PROBLEMS]:
        yield f"{entry.key} ({gigabytes(entry.bytes)})"
    if len(sweep.entries) > SHOWN_PROBLEMS:
        yield f"and {len(sweep.entries) - SHOWN_PROBLEMS:,} more"
    yield f"{what} can go from {uri}, {kept}" + ("; --yes deletes them" if sweep.entries else "")


def garbage_json(sweep: GarbageSet, uri: str, deleted: bool) -> dict[str, Any]:
    """The sweep as plain JSON values."""
    return {
        "folder": uri,
        "deleted": deleted,
        "kept_manifests": list(sweep.kept_manifests),
        "bytes": sweep.bytes,
        "objects": [{"key": entry.key, "bytes": entry.bytes} for entry in sweep.entries],
    }


def failures_json(failures: tuple[Failure, ...]) -> list[dict[str, Any]]:
    """Failures as plain JSON values."""
    return [{"name": failure.name, "cause": failure.cause, "quarantined": failure.quarantined} for failure in failures]


def failure_lines(failures: tuple[Failure, ...], word: str | None = None) -> Iterator[str]:
    """The first failures, a line each. word: what each begins with, else what became of it."""
    for failure in failures[:SHOWN_FAILURES]:
        became = "quarantined" if failure.quarantined else "failed"
        yield f"{word or became}: {failure.name}: {failure.cause}"
    if len(failures) > SHOWN_FAILURES:
        yield f"and {len(failures) - SHOWN_FAILURES:,} more; `brandpress status --json` lists all"


def duration(seconds: float) -> str:
    """`7.2 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
