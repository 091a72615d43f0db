"""The summary of a plan together with what its store already holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.admission import Admission, Withheld, withheld_pictures
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.manifest import BrokenManifestError, Published, read_fields, read_latest
from brandpress.pipeline.deliver.ownership import ForeignCampaignError, check_owner
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.plan.cost.estimate import CostOptions, estimate
from brandpress.pipeline.plan.cost.samples import MAX_SAMPLES
from brandpress.pipeline.plan.diff import missing, render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.plan.selection import Selection, nothing_matches
from brandpress.pipeline.plan.state import Awaits, VariantState, variant_states
from brandpress.pipeline.plan.summary import StoreState, Summary, summarise, with_cost
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.spec.publication import waits_for_all
from brandpress.pipeline.store.protocol import Store, StoreError


def summarise_with_store(
    plan: Plan,
    *,
    gpu_bytes: int | None = None,
    require_store: bool = False,
    selection: Selection | None = None,
    cost: CostOptions | None = None,
) -> Summary:
    """Returns the plan's summary, with its warnings and memory plan.

    gpu_bytes: plan for a GPU of this size; default: this machine's. cost: estimate the cost of what is selected with
    these options. If the store can't be read, the summary holds the reason in `unknown`; with `require_store`, or if
    the selection asks for states, its StoreError is raised instead.
    """
    campaign = plan.campaign
    state, unknown = StoreState(), None
    warnings = list(warnings_of(plan))
    require_states = selection is not None and selection.uses_state
    try:
        folder, plan = open_plan(plan)
        state = store_state(folder, plan)
        check_owner(folder, campaign.brand.name, campaign.path.name)
    except StoreError as error:
        if require_store or require_states:
            raise
        unknown = str(error)
    except ForeignCampaignError as error:
        if require_store:
            raise
        warnings.append(str(error))
    memory = memory_of(plan, gpu_bytes)
    summary = summarise(
        plan,
        str(campaign.address),
        state if unknown is None else None,
        unknown,
        [*warnings, state.note] if state.note else warnings,
        memory,
        selection,
    )
    if cost is not None:
        todo = missing(summary.selected_variants, state.done | state.held_back)
        summary = with_cost(summary, estimate(plan, todo, state.records, cost, memory))
    if selection is None or summary.selected or summary.selected_variants:
        return summary
    return replace(summary, warnings=(*summary.warnings, nothing_matches(selection)))


def store_state(folder: Store, plan: Plan) -> StoreState:
    """Compares a plan, as reviewers decided it, with the campaign's folder. Raises StoreError."""
    index = read_index(folder, render_keys(plan.variants))
    admission = Admission.of(folder, plan)
    withheld = withheld_pictures(plan.variants, index.done, admission)
    blocked = frozenset(one.render_key for one in plan.variants if withheld.get(one.name) in ("dropped", "failed"))
    done, held_back = frozenset(index.done) - blocked, index.held_back | blocked
    samples: list[dict[str, Any]] = []
    try:
        latest = read_latest(folder)
        states = _states(plan, index, _sampled(folder, latest, samples) if latest else (), admission, withheld)
    except BrokenManifestError as error:
        note = f"{error}; the plan is compared with the records alone"
        states = _states(plan, index, (), admission, withheld)
        unpublished = sum(one.is_unpublished for one in states)
        return StoreState(done, held_back, unpublished=unpublished, variants=states, note=note)
    publishes = _publishes(plan, states)
    return StoreState(
        done=done,
        held_back=held_back,
        unpublished=sum(one.is_unpublished for one in states) if publishes else 0,
        removals=sum(one.is_removal for one in states) if publishes else 0,
        records=tuple(samples),
        variants=states,
        pointer=latest.pointer.sha256 if latest else None,
    )


def _publishes(plan: Plan, states: tuple[VariantState, ...]) -> bool:
    """Whether the job's policy lets a run publish what is done, without rendering anything more."""
    job = plan.campaign.job
    if not waits_for_all(job.publish):
        return True
    if any(one.to_render or one.awaits == "approval" for one in states):
        return False
    failed = sum(one.state == "held_back" and not _is_dropped(plan, one.name) for one in states)
    return failed <= job.allow_failed.of(plan.planned)


def published_pictures(folder: Store, published: Published) -> Iterator[dict[str, Any]]:
    """Yields the fields of a manifest's records that have a picture. Raises BrokenManifestError."""
    for fields in read_fields(folder, published, "variants"):
        if fields["status"] == "done" and fields["asset"] is not None:
            yield fields


def _sampled(folder: Store, published: Published, samples: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yields what `published_pictures` yields, and adds at most MAX_SAMPLES of it, evenly spread, to `samples`."""
    interval = max(1, -(-sum(part.records for part in published.manifest.parts) // MAX_SAMPLES))
    for number, fields in enumerate(published_pictures(folder, published)):
        if number % interval == 0:
            samples.append(fields)
        yield fields


def selected_variants(folder: Store, plan: Plan, selection: Selection) -> tuple[Variant, ...]:
    """Returns the variants that a selection has of a plan as reviewers decided it; compares it with the campaign's
    folder if the selection asks for states.

    Raises RequestError if there are none, and StoreError.
    """
    if selection.uses_state:
        states = store_state(folder, plan).variants or ()
        chosen = tuple(one.variant for one in states if one.variant and selection.matches(one, one.state))
    else:
        chosen = tuple(variant for variant in plan.variants if selection.matches(variant))
    if not chosen:
        raise RequestError(nothing_matches(selection))
    return chosen


def _states(
    plan: Plan,
    index: RecordIndex,
    published: Iterable[dict[str, Any]],
    admission: Admission,
    withheld: Mapping[str, Withheld],
) -> tuple[VariantState, ...]:
    causes = {key: record.cause for key, record in index.others.items()}
    picked_out = frozenset(variant.name for variant in plan.picked_out)
    blocked = {name: admission.cause(name) for name, reason in withheld.items() if reason in ("dropped", "failed")}
    awaits = {name: _AWAITS[reason] for name, reason in withheld.items() if reason in _AWAITS}
    return variant_states(
        plan.variants,
        plan.model,
        index.done.keys(),
        index.held_back,
        causes,
        published,
        picked_out,
        blocked,
        awaits,
        plan.replaced,
    )


_AWAITS: Mapping[Withheld, Awaits] = {"unchecked": "check", "unapproved": "approval"}


def _is_dropped(plan: Plan, name: str) -> bool:
    return plan.gate is not None and plan.gate.rejected_as(name) == "drop"
