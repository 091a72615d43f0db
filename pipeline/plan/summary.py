"""Summarises a plan for `brandpress plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from brandpress.model.choice import ModelChoice
from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.cost.estimate import Estimate
from brandpress.pipeline.plan.cost.text import cost_json, cost_warnings
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import MemoryPlan, reference_memory
from brandpress.pipeline.plan.sampling import sampling_params
from brandpress.pipeline.plan.selection import Selection
from brandpress.pipeline.plan.state import VariantState, count_states
from brandpress.pipeline.plan.states_json import list_json, lock_json, reasons_json
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.spec.attributes import plain_attributes

SCHEMA = "brandpress.plan-summary/2"
"""Of `plan --json`. Version 1, without this field, had neither states nor a list."""


@dataclass(frozen=True)
class ReferenceSet:
    """References that variants share, and the number of these variants."""

    references: tuple[Reference, ...]
    variants: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a store has of a plan: the render keys of done variants, and of those that only `--retry-failed` renders.

    unpublished: done variants that the latest manifest lacks. removals: pictures in it that the job no longer has.
    records: some of the manifest's, parsed but not validated. variants: the state of each variant and of orphaned
    pictures; None if they weren't compared. pointer: the SHA-256 of the latest manifest's header; None if nothing is
    published. note: what people should know about the comparison.
    """

    done: Set[str] = frozenset()
    held_back: Set[str] = frozenset()
    unpublished: int = 0
    removals: int = 0
    records: tuple[Mapping[str, Any], ...] = ()
    variants: tuple[VariantState, ...] | None = None
    pointer: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Summary:
    """The numbers of a plan.

    axes: axis -> name -> number of variants. sizes: size -> number of variants. params: the sampling parameters that
    all variants share. done: None if the store couldn't be read; `unknown` says why. held_back: variants that
    crashed workers or failed too often. to_render: pictures that are neither done nor held back; variants can share
    one. unpublished, removals, pointer: as in `StoreState`. memory: None for hosted models, and if it couldn't be
    estimated. cost: of the selected variants to render; None if it wasn't asked for. states: of all variants and
    orphaned pictures; None if they aren't known. selection: which of them are asked for; None: all.
    """

    plan: Plan
    deliver: str
    axes: dict[str, dict[str, int]]
    sizes: dict[str, int]
    seeds: int
    params: SamplingParams
    reference_sets: tuple[ReferenceSet, ...]
    done: int | None
    unknown: str | None
    to_render: int
    warnings: tuple[str, ...] = ()
    memory: MemoryPlan | None = None
    held_back: int = 0
    unpublished: int = 0
    removals: int = 0
    cost: Estimate | None = None
    states: tuple[VariantState, ...] | None = None
    pointer: str | None = None
    selection: Selection | None = None

    @property
    def has_work(self) -> bool:
        """Whether a run would render anything or publish another manifest; with a selection, anything of it."""
        if self.selection is not None and self.states is not None:
            publishes = bool(self.unpublished or self.removals)
            return any(one.to_render or (publishes and one.is_work) for one in self.selected)
        return bool(self.to_render or self.unpublished or self.removals)

    @property
    def to_publish(self) -> int:
        """How many pictures that are done a run would publish; with a selection, how many of it."""
        if self.selection is None or self.states is None or not self.unpublished:
            return self.unpublished
        return sum(one.is_unpublished for one in self.selected)

    @property
    def to_remove(self) -> int:
        """How many pictures a run would leave out of the manifest; with a selection, how many of it."""
        if self.selection is None or self.states is None or not self.removals:
            return self.removals
        return sum(one.is_removal for one in self.selected)

    @cached_property
    def selected(self) -> tuple[VariantState, ...]:
        """The states of the selected variants and orphaned pictures; empty if the states aren't known."""
        states, selection = self.states or (), self.selection
        return states if selection is None else tuple(one for one in states if selection.matches(one, one.state))

    @cached_property
    def selected_variants(self) -> tuple[Variant, ...]:
        """The selected variants of the plan."""
        selection, variants = self.selection, self.plan.variants
        if selection is None:
            return variants
        if self.states is None:
            return tuple(variant for variant in variants if selection.matches(variant))
        return tuple(one.variant for one in self.selected if one.variant is not None)

    @cached_property
    def listed(self) -> tuple[VariantState, ...]:
        """What a list of the plan shows: all that is selected, or without a selection all that isn't unchanged."""
        return self.selected if self.selection else tuple(one for one in self.selected if one.state != "unchanged")


def summarise(
    plan: Plan,
    deliver: str,
    store: StoreState | None,
    unknown: str | None = None,
    warnings: Iterable[str] = (),
    memory: MemoryPlan | None = None,
    selection: Selection | None = None,
) -> Summary:
    """Returns the summary of a plan. store: None if it isn't known; `unknown` says why."""
    state = store or StoreState()
    done_count = sum(variant.render_key in state.done for variant in plan.variants)
    held_back = sum(variant.render_key in state.held_back for variant in plan.variants)
    refused = (memory.refusal,) if memory is not None and memory.refusal is not None else ()
    return Summary(
        plan=plan,
        deliver=deliver,
        axes=_axes(plan),
        sizes=dict(Counter(f"{variant.width}x{variant.height}" for variant in plan.variants)),
        seeds=len(plan.campaign.job.seeds),
        params=sampling_params(plan.campaign, plan.model),
        reference_sets=_reference_sets(plan.variants),
        done=None if store is None else done_count,
        unknown=unknown,
        to_render=len(render_keys(plan.variants) - state.done - state.held_back),
        warnings=(*warnings, *refused),
        memory=memory,
        held_back=held_back,
        unpublished=state.unpublished,
        removals=state.removals,
        states=state.variants,
        pointer=state.pointer,
        selection=selection,
    )


def with_cost(summary: Summary, cost: Estimate) -> Summary:
    """Returns the summary with the cost of what is selected, and its warnings."""
    return replace(summary, cost=cost, warnings=(*summary.warnings, *cost_warnings(cost)))


def _axes(plan: Plan) -> dict[str, dict[str, int]]:
    """Returns axis -> name -> number of variants."""
    counts = {axis.name: dict.fromkeys(axis.values, 0) for axis in plan.campaign.axes.values()}
    for variant in (*plan.variants, *plan.picked_out):
        for axis, name in variant.axes.items():
            counts[axis][name] += 1
    return counts


def _reference_sets(variants: Sequence[Variant]) -> tuple[ReferenceSet, ...]:
    """Returns the reference sets in the order of their first variants."""
    counts: Counter[tuple[str, ...]] = Counter()
    first: dict[tuple[str, ...], tuple[Reference, ...]] = {}
    for variant in variants:
        digests = variant.reference_set
        counts[digests] += 1
        first.setdefault(digests, variant.references)
    return tuple(ReferenceSet(first[digests], count) for digests, count in counts.items())


def summary_json(summary: Summary, first: int, limit: int | None = None) -> dict[str, Any]:
    """Returns the summary as plain JSON values.

    first: how many variants to include in full. limit: how many states to list; None: all.
    """
    plan = summary.plan
    model, job = plan.model, plan.campaign.job
    return {
        "schema": SCHEMA,
        "campaign": plan.campaign.name,
        "brand": plan.campaign.brand.name,
        "deliver": summary.deliver,
        "spec_sha256": plan.campaign.spec_sha256,
        "lock": lock_json(plan.lock),
        "model": {
            "name": model.name,
            "family": model.family,
            "licence": model.licence,
            "commercial_use": model.commercial_use,
            "weights_digest": model.weights_digest,
            "revision": model.revision,
            "sampler": model.sampler,
            "choice": choice_json(plan.campaign.choice),
        },
        **summary.params.sampling_values(),
        "negative_prompt": job.negative_prompt or None,
        "reference_pixels": job.reference_pixels,
        "variants": plan.planned,
        "pictures": len(render_keys(plan.variants)),
        "feeds": [asdict(feed) for feed in plan.campaign.feeds],
        "done": summary.done,
        "held_back": summary.held_back,
        "to_render": summary.to_render,
        "picked_out": len(plan.picked_out),
        "unpublished": summary.unpublished,
        "removals": summary.removals,
        "store_error": summary.unknown,
        **_states_json(summary, limit),
        "axes": summary.axes,
        "sizes": summary.sizes,
        "seeds": summary.seeds,
        "reference_sets": [
            {
                "references": [_reference(reference) for reference in reference_set.references],
                "variants": reference_set.variants,
            }
            for reference_set in summary.reference_sets
        ],
        "first": [_variant(variant) for variant in plan.variants[:first]],
        "warnings": list(summary.warnings),
        "memory": memory_json(summary.memory),
        "cost": cost_json(summary.cost),
        "reference_memory": asdict(reference_memory(plan)),
    }


def _states_json(summary: Summary, limit: int | None) -> dict[str, Any]:
    """The states of all variants, and a list of those that are selected, or that aren't unchanged."""
    states, selection = summary.states, summary.selection
    return {
        "states": None if states is None else count_states(states),
        "reasons": list(reasons_json(summary.selected)),
        "selection": selection
        and {
            "terms": list(selection.written),
            "variants": len(summary.selected_variants),
            "to_render": None if states is None else len(_to_render(summary.selected)),
        },
        "list_total": None if states is None else len(summary.listed),
        "list": None if states is None else list_json(summary.listed, limit),
    }


def _to_render(states: Iterable[VariantState]) -> frozenset[str]:
    """Returns the render keys of those that a run renders; variants can share one."""
    return render_keys(one.variant for one in states if one.to_render and one.variant is not None)


def memory_json(memory: MemoryPlan | None) -> dict[str, Any] | None:
    """Returns a memory plan as plain JSON values: bytes of each part, bytes needed with and without offloading, and
    the device's `total` and `available` bytes."""
    if memory is None:
        return None
    needs = {"resident": memory.need.resident, "turns": memory.need.offloaded}
    device = {"device": memory.device.name, "total": memory.device.total, "available": memory.device.free}
    residency = None if memory.residency is None else RECORDED_RESIDENCY[memory.residency]
    fit = {"residency": residency, "turns_from": memory.offloaded_to, "refusal": memory.refusal}
    return asdict(memory.need) | {"needs": needs} | device | fit


def choice_json(choice: ModelChoice) -> dict[str, Any]:
    """Returns the fields of a model choice that are set, as plain JSON values."""
    return {name: value for name, value in asdict(choice).items() if value}


def _reference(reference: Reference) -> dict[str, str | None]:
    values = asdict(reference)
    return {name: values[name] for name in ("role", "file", "sha256", "background")}


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "name": variant.name,
        "axes": variant.axes,
        "prompt": variant.prompt,
        "references": [_reference(reference) for reference in variant.references],
        "width": variant.width,
        "height": variant.height,
        "steps": variant.steps,
        "guidance": variant.guidance,
        "seed": variant.seed,
        "format": variant.format,
        "render_key": variant.render_key,
        **variant.sampling_values(),
        "asset": variant.asset,
        **({"attributes": plain_attributes(variant.attributes)} if variant.attributes else {}),
        **({"alt": variant.alt} if variant.alt else {}),
        **({"sku": variant.sku} if variant.sku else {}),
    }
