"""The summary of a plan together with what its store already holds."""

from __future__ import annotations

from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_fields, read_latest
from brandpress.pipeline.deliver.ownership import ForeignCampaignError, check_owner
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.plan.summary import StoreState, Summary, summarise
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError


def summarise_with_store(plan: Plan, *, gpu_bytes: int | None = None, require_store: bool = False) -> Summary:
    """Returns the plan's summary, with its warnings and memory plan.

    gpu_bytes: plan for a GPU of this size; default: this machine's. If the store can't be read, the summary holds the
    reason in `unknown`; with `require_store` its StoreError is raised instead.
    """
    campaign = plan.campaign
    state, unknown = StoreState(), None
    warnings = list(warnings_of(plan))
    try:
        folder = open_campaign(campaign.address, campaign.name)
        state = store_state(folder, plan)
        check_owner(folder, campaign.brand.name, campaign.path.name)
    except StoreError as error:
        if require_store:
            raise
        unknown = str(error)
    except ForeignCampaignError as error:
        if require_store:
            raise
        warnings.append(str(error))
    return summarise(
        plan,
        str(campaign.address),
        state if unknown is None else None,
        unknown,
        warnings,
        memory_of(plan, gpu_bytes),
    )


def store_state(folder: Store, plan: Plan) -> StoreState:
    """Compares a plan with the campaign's folder. Raises StoreError."""
    keys = render_keys(plan.variants)
    index = read_index(folder, keys)
    done = frozenset(index.done)
    try:
        latest = read_latest(folder)
        listed = list(read_fields(folder, latest, "variants")) if latest else []
    except BrokenManifestError:
        unpublished = sum(variant.render_key in done for variant in plan.variants)
        return StoreState(done, index.held_back, unpublished=unpublished)
    names = {variant.name for variant in plan.variants}
    current = {(fields["name"], fields["render_key"]) for fields in listed if not fields.get("stale")}
    done_variants = {(variant.name, variant.render_key) for variant in plan.variants if variant.render_key in done}
    publishes = plan.campaign.job.publish == "rolling" or done == keys
    return StoreState(
        done=done,
        held_back=index.held_back,
        unpublished=len(done_variants - current) if publishes else 0,
        removals=sum(fields["name"] not in names for fields in listed) if publishes else 0,
    )
