"""Publishes pictures of a plan without rendering: small files, with the records and the manifest that a run writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import LATEST, Published
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.store.folder import open_campaign


def publish_plan(plan: Plan, extra: Callable[[Variant], dict[str, Any]] = lambda variant: {}) -> Published:
    """Publishes all variants. extra: further fields of a variant's record."""
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    stamp = stamp_of(plan.model)
    for variant in plan.variants:
        record = new_record(variant, stamp, "done").model_copy(update=extra(variant))
        deliver(folder, record, variant.asset, f"a picture of {variant.render_key}".encode())
    publication = publish_index(
        folder, plan, stamp, read_index(folder, render_keys(plan.variants)), folder.stat(LATEST)
    )
    assert publication is not None
    return publication.published
