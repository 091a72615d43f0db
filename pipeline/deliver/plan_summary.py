"""The summary of a plan together with what its store already holds."""

from __future__ import annotations

from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_fields, read_latest
from brandpress.pipeline.deliver.ownership import ForeignCampaignError, check_owner
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.cost.estimate import CostOptions, estimate
from brandpress.pipeline.plan.cost.samples import MAX_SAMPLES
from brandpress.pipeline.plan.diff import missing, render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.plan.summary import StoreState, Summary, summarise
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.store.protocol import Store, StoreError


def summarise_with_store(
    plan: Plan, *, gpu_bytes: int | None = None, require_store: bool = False, cost: CostOptions | None = None
) -> Summary:
    """Returns the plan's summary, with its warnings and memory plan.

    gpu_bytes: plan for a GPU of this size; default: this machine's. cost: estimate the cost with these options. If the
    store can't be read, the summary holds the reason in `unknown`; with `require_store` its StoreError is raised
    instead.
    """
    campaign = plan.campaign
    state, unknown = StoreState(), None
    warnings = list(warnings_of(plan))
    try:
        folder, plan = open_plan(plan)
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
    memory = memory_of(plan, gpu_bytes)
    todo = missing(plan.variants, state.done | state.held_back)
    return summarise(
        plan,
        str(campaign.address),
        state if unknown is None else None,
        unknown,
        warnings,
        memory,
        None if cost is None else estimate(plan, todo, state.records, cost, memory),
    )


def store_state(folder: Store, plan: Plan) -> StoreState:
    """Compares a plan, as reviewers decided it, with the campaign's folder. Raises StoreError."""
    keys = render_keys(plan.variants)
    index = read_index(folder, keys)
    done = frozenset(index.done)
    try:
        latest = read_latest(folder)
        listed = list(read_fields(folder, latest, "variants")) if latest else []
    except BrokenManifestError:
        return StoreState(done, index.held_back, unpublished=len(done))
    names = {variant.name: variant.render_key for variant in plan.variants}
    current = {
        fields["render_key"]
        for fields in listed
        if not fields.get("stale") and names.get(fields["name"]) == fields["render_key"]
    }
    publishes = plan.campaign.job.publish == "rolling" or done == keys
    return StoreState(
        done=done,
        held_back=index.held_back,
        unpublished=len(done - current) if publishes else 0,
        removals=sum(fields["name"] not in names for fields in listed) if publishes else 0,
        records=tuple(listed[:: max(1, len(listed) // MAX_SAMPLES)]),
    )
