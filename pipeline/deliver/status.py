"""The status of a campaign: how many variants are planned, done, failed and missing, and what is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brandpress.pipeline.deliver.manifest import read_latest
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
    """Counts of variants, the failures, and the key of the latest manifest (None: nothing is published)."""

    planned: int
    done: int
    failed: int
    missing: int
    failures: tuple[Failure, ...]
    manifest: str | None


def campaign_status(folder: Store, variants: Sequence[Variant]) -> CampaignStatus:
    """Compares the planned `variants` with the records in the campaign's folder. Raises StoreError."""
    index = read_index(folder, render_keys(variants))
    failures = tuple(
        sorted(
            (failure_of(record) for record in index.values() if record.status != "done"),
            key=lambda failure: failure.name,
        )
    )
    latest = read_latest(folder)
    return CampaignStatus(
        planned=len(variants),
        done=len(index) - len(failures),
        failed=len(failures),
        missing=len(variants) - len(index),
        failures=failures,
        manifest=latest.pointer.manifest if latest else None,
    )
