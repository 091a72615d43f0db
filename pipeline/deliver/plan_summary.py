"""The summary of a plan together with what its store already holds."""

from __future__ import annotations

from brandpress.pipeline.deliver.resume import CompletedKeys, completed_keys
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.plan.summary import Summary, summarise
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import StoreError


def summarise_with_store(plan: Plan, *, gpu_bytes: int | None = None, require_store: bool = False) -> Summary:
    """Returns the plan's summary, with its warnings and memory plan.

    gpu_bytes: plan for a GPU of this size; default: this machine's. If the store can't be read, the summary holds the
    reason in `unknown`; with `require_store` its StoreError is raised instead.
    """
    address = plan.campaign.address
    completed, unknown = CompletedKeys(frozenset(), frozenset()), None
    try:
        completed = completed_keys(open_store(address), plan.campaign.name, render_keys(plan.variants))
    except StoreError as error:
        if require_store:
            raise
        unknown = str(error)
    return summarise(
        plan,
        str(address),
        completed.done if unknown is None else None,
        unknown,
        warnings_of(plan),
        memory_of(plan, gpu_bytes),
        quarantined=completed.quarantined,
    )
