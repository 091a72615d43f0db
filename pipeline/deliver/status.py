"""Where a campaign stands: what is planned, done, failed and missing, and what is published."""

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
    """A variant that failed, with the cause in its record. quarantined: it took workers down; only `--retry-failed`
    tries it again."""

    name: str
    cause: str
    quarantined: bool = False


def failure_of(record: Record) -> Failure:
    """What a record that isn't done tells."""
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
    """Compares the plan with what the campaign's folder holds. Raises StoreError."""
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
