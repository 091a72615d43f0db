"""Publishes what a run and its predecessors have rendered, as the job's `publish:` policy says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from brandpress.pipeline.deliver.admission import Admission, without_verdict
from brandpress.pipeline.deliver.contents import Contents, compose
from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.manifest import Counts, Header, Published, read_fields
from brandpress.pipeline.deliver.publication import Publication, publish
from brandpress.pipeline.deliver.record import ModelStamp
from brandpress.pipeline.deliver.rename import copy_renamed, share_pictures
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.render.driver.gate_rounds import kept_keys
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.publication import waits_for_all
from brandpress.pipeline.store.protocol import ObjectStat, Store

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan


def header_of(campaign: Campaign, model: ModelStamp) -> Header:
    """Returns the fields that describe a campaign in its manifests. The sampler's version is in the records only: a
    store of an earlier version, whose records lack it, needs no other manifest for the same pictures."""
    return Header(
        campaign=campaign.name,
        brand=campaign.brand.name,
        job=campaign.path.name,
        spec_sha256=campaign.spec_sha256,
        model=model.model_copy(update={"sampler": ""}),
        skipped_rows=tuple(
            f"{feed.file}:{row.line}:{row.field or 'row'}: {row.reason}"
            for feed in campaign.feeds
            for row in feed.skipped_rows
        ),
        purpose=campaign.job.purpose,
        licence_grant=campaign.job.licence,
        thumbnails=campaign.job.thumbnails,
    )


def publish_index(
    folder: Store, plan: Plan, model: ModelStamp, index: RecordIndex, latest: ObjectStat | None
) -> Publication | None:
    """Publishes the plan's pictures. index: its records. latest: `latest.json`, as it was before they were read.

    Returns None if no planned variant has a picture, an earlier one included. Raises StoreError.
    """
    latest_index: RecordIndex | None = index

    def contents(previous: Published | None) -> Contents:
        nonlocal latest_index, plan
        if latest_index is None and plan.gate is not None:
            plan = decided(folder, plan)  # the other run may have judged pictures, and rendered some of them again
        known = latest_index or read_index(folder, kept_keys(plan), index)
        known = as_recorded(known.named(plan.variants))
        latest_index = None  # this is called again only if another run has published in the meantime
        lines = {**known.done, **copy_renamed(folder, plan.variants, known.done)}
        done = {key: line for key, line in lines.items() if line is not None}
        shared = share_pictures(folder, plan.variants, done, known.copies)
        pictures = partial(_pictures, folder, previous if previous and _is_of(previous, plan.campaign) else None)
        return compose(
            plan.variants,
            done,
            known.failures,
            pictures,
            lambda asset: folder.canonical(asset) in known.assets,
            len(plan.picked_out),
            shared,
            Admission.of(folder, plan),
            done,
        )

    header = header_of(plan.campaign, model)
    return publish(folder, header, contents, lambda counts: may_be_latest(plan.campaign, counts), latest)


def may_be_latest(campaign: Campaign, counts: Counts) -> bool:
    """Whether the policy lets a manifest with these counts become the latest."""
    if not waits_for_all(campaign.job.publish):
        return True
    waiting = counts.missing + counts.unapproved
    return not waiting and counts.failed <= campaign.job.allow_failed.of(counts.planned)


def as_recorded(index: RecordIndex) -> RecordIndex:
    """Returns the index without what earlier manifests say of verdicts, which may have changed since."""
    done, copies = ({key: without_verdict(line) for key, line in one.items()} for one in (index.done, index.copies))
    return replace(index, done=done, copies=copies)


def _is_of(published: Published, campaign: Campaign) -> bool:
    """Whether a manifest is of the campaign's brand: after a take-over, earlier pictures are another brand's."""
    return published.manifest.brand == campaign.brand.name


def _pictures(folder: Store, published: Published | None) -> Iterable[dict[str, Any]]:
    return read_fields(folder, published, "variants") if published else ()
