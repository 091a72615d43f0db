"""A run without Ray and without pictures, for tests of what campaigns deliver and publish."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Any

from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import LATEST, read_fields, read_latest
from brandpress.pipeline.deliver.publication import Publication
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import missing, render_keys
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of


def run_of(job: Path, *, only: Set[str] | None = None, salt: str = "") -> tuple[list[str], Publication | None]:
    """Delivers a text for each missing variant of a job and publishes.

    Returns the names of the delivered ones, and what was published. only: deliver only these names. salt: changes the
    texts, as another machine may change pictures.
    """
    folder, plan = open_plan(plan_of(job))
    stamp = stamp_of(plan.model)
    latest = folder.stat(LATEST)
    index = read_index(folder, render_keys(plan.variants))
    todo = [one for one in missing(plan.variants, index.done.keys()) if only is None or one.name in only]
    records = [
        deliver(folder, new_record(one, stamp, "done"), one.asset, f"{one.render_key}{salt}".encode()) for one in todo
    ]
    index = read_index(folder, render_keys(plan.variants), index.updated(records))
    return sorted(one.name for one in todo), publish_index(folder, plan, stamp, index, latest)


def listed(folder: Store) -> dict[str, dict[str, Any]]:
    """Returns the fields of the latest manifest's pictures, keyed by name."""
    latest = read_latest(folder)
    assert latest is not None
    return {fields["name"]: fields for fields in read_fields(folder, latest, "variants")}
