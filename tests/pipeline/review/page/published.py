"""A small published campaign with drawn pictures, for tests of what reads and decides about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.review.page.reviewed import draw

SCENES = {"beach": "on a beach", "lake": "by a lake"}


def write_published(folder: Path, **fields: Any) -> Path:
    """Writes a job of two products and two scenes, publishes a drawn picture of each, and returns the job's file."""
    job = write_campaign(folder, SCENES, size="256x256", **fields)
    publish(job)
    return job


def publish(job: Path, characters: tuple[str, ...] = ("fox", "frog", "panda", "robot")) -> Store:
    """Publishes a drawn picture of each variant that isn't done, and returns the campaign's folder."""
    plan = plan_of(job)
    folder, stamp = open_campaign(plan.campaign.address, plan.campaign.name), stamp_of(plan.model)
    done = read_index(folder, render_keys(plan.variants)).done
    for number, variant in enumerate(plan.variants):
        if variant.render_key not in done:
            picture = draw(variant.axes["product"], characters[number % len(characters)], variant.axes["scene"], 256)
            record = new_record(variant, stamp, "done")
            timed = record.model_copy(update={"timings": {"model": 3.0}, "host": {"device": "NVIDIA H100"}})
            deliver(folder, timed, variant.asset, picture)
    publish_index(folder, plan, stamp, read_index(folder, render_keys(plan.variants)), folder.stat(LATEST))
    return folder
