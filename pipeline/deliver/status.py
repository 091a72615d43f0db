"""The status of a campaign: how many variants are planned, done, failed and missing, and what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from brandpress.pipeline.deliver.admission import UNRESTRICTED, Admission, withheld_pictures
from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.manifest import read_latest, read_lines, require_latest
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed variant and its cause. quarantined: workers died rendering it; only `--retry-failed` retries it."""

    name: str
    cause: str
    quarantined: bool = False


def failure_of(record: Record) -> Failure:
    """Returns the failure in a record that isn't done."""
    return Failure(record.name, record.cause or "unknown", record.status == "quarantined")


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """Counts of variants, the failures, and the key of the latest manifest (None: nothing is published).

    picked_out: variants that aren't published because another seed was picked. dropped: blocked by the quality gate.
    unchecked: rendered, and not judged by the gate yet. unapproved: rendered, and not approved.
    note: why the counts are those of the latest manifest, if the job's variants aren't known on this machine.
    """

    planned: int
    done: int
    failed: int
    missing: int
    failures: tuple[Failure, ...]
    manifest: str | None
    note: str | None = None
    picked_out: int = 0
    dropped: int = 0
    unchecked: int = 0
    unapproved: int = 0


def campaign_status(
    folder: Store, variants: Sequence[Variant], picked_out: int = 0, admission: Admission = UNRESTRICTED
) -> CampaignStatus:
    """Compares the planned `variants` with the records in the campaign's folder. picked_out: how many more variants the
    job has. admission: which of the done pictures count as such. Raises StoreError."""
    index = read_index(folder, render_keys(variants))
    latest = read_latest(folder)
    withheld = withheld_pictures(variants, index.done, admission)
    reasons = Counter(withheld.values())
    done = sum(variant.render_key in index.done and variant.name not in withheld for variant in variants)
    failures = [
        replace(failure_of(index.others[variant.render_key]), name=variant.name)
        for variant in variants
        if variant.render_key in index.others
    ]
    failures += [Failure(name, admission.cause(name)) for name, reason in withheld.items() if reason == "failed"]
    return CampaignStatus(
        planned=len(variants) + picked_out,
        done=done,
        failed=len(failures),
        missing=len(variants) - done - len(failures) - len(withheld) + reasons["failed"],
        failures=_sorted(failures),
        manifest=latest.pointer.manifest if latest else None,
        picked_out=picked_out,
        dropped=reasons["dropped"],
        unchecked=reasons["unchecked"],
        unapproved=reasons["unapproved"],
    )


def published_status(folder: Store, note: str) -> CampaignStatus:
    """Returns what the latest manifest says. note: why the job's variants aren't known. Raises StoreError."""
    latest = require_latest(folder)
    counts = latest.manifest.counts
    failures = (parse_record(line, latest.pointer.manifest) for line in read_lines(folder, latest, "failures"))
    return CampaignStatus(
        planned=counts.planned,
        done=counts.done,
        failed=counts.failed,
        missing=counts.planned - counts.done - counts.failed - counts.picked_out - counts.dropped - counts.unapproved,
        failures=_sorted(map(failure_of, failures)),
        manifest=latest.pointer.manifest,
        note=note,
        picked_out=counts.picked_out,
        dropped=counts.dropped,
        unapproved=counts.unapproved,
    )


def _sorted(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    return tuple(sorted(failures, key=lambda failure: failure.name))
