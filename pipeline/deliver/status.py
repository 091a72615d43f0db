"""Where a campaign stands: what is planned, done, failed and missing, and what is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.deliver.manifest import read_latest
from pipeline.deliver.resume import read_index
from pipeline.deliver.store import Store
from pipeline.plan.diff import RenderKeys
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


def campaign_status(folder: Store, variants: Sequence[Variant]) -> CampaignStatus:
    """Compares the plan with what the campaign's folder holds. Raises StoreError."""
    index = read_index(folder, RenderKeys(variants))
    causes = {key: record.cause or "unknown" for key, record in index.items() if record.status != "done"}
    failures = tuple(
        Failure(variant.name, causes[variant.render_key])
        for variant in (variants if causes else ())
        if variant.render_key in causes
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
