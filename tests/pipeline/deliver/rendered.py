"""Delivers and publishes a plan's pictures without a renderer."""

from __future__ import annotations

from collections.abc import Callable

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store


def render(plan: Plan, chosen: Callable[[Variant], bool] = lambda variant: True) -> Store:
    """Writes assets and records of the chosen variants, publishes the campaign, and returns its folder."""
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    stamp = stamp_of(plan.model)
    for variant in filter(chosen, plan.variants):
        deliver(folder, new_record(variant, stamp, "done"), variant.asset, variant.render_key.encode())
    publish_index(folder, plan, stamp, read_index(folder, render_keys(plan.variants)), folder.stat(LATEST))
    return folder
