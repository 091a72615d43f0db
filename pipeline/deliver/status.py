"""Where a campaign stands: what is planned, done, failed and missing, and what is published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.deliver.manifest import read_latest
from pipeline.deliver.resume import read_index
from pipeline.deliver.store import Store
from pipeline.plan.variant import Variant


@dataclass(frozen=True, slots=True)
class Failure:
    """A variant that failed, with the cause in its record."""

    name: str
    cause: str


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """Counts of variants, the failures, and the key of the latest manifest (None: nothing is published)."""

    planned: int
    done: int
    failed: int
    missing: int
    failures: tuple[Failure, ...]
    manifest: str | None


def campaign_status(folder: Store, variants: Iterable[Variant]) -> CampaignStatus:
    """Compares the plan with what the campaign's folder holds. Raises StoreError."""
    planned = {variant.render_key: variant for variant in variants}
    index = read_index(folder, planned.keys())
    failures = tuple(
        Failure(variant.name, index[render_key].cause or "unknown")
        for render_key, variant in planned.items()
        if render_key in index and index[render_key].status != "done"
    )
    latest = read_latest(folder)
    return CampaignStatus(
        planned=len(planned),
        done=len(index) - len(failures),
        failed=len(failures),
        missing=len(planned) - len(index),
        failures=failures,
        manifest=latest.pointer.manifest if latest else None,
    )
