"""Summarises a plan for `brandpress plan`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any

from brandpress.model.choice import ModelChoice
from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import MemoryPlan, reference_memory
from brandpress.pipeline.plan.sampling import sampling_params
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.spec.attributes import plain_attributes


@dataclass(frozen=True)
class ReferenceSet:
    """References that variants share, and the number of these variants."""

    references: tuple[Reference, ...]
    variants: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """What a store has of a plan: the render keys of done variants, and of those that only `--retry-failed` renders.

    unpublished: done variants that the latest manifest lacks. removals: pictures in it that the job no longer has.
    """

    done: Set[str] = frozenset()
    held_back: Set[str] = frozenset()
    unpublished: int = 0
    removals: int = 0


@dataclass(frozen=True)
class Summary:
    """The numbers of a plan.

    axes: axis -> name -> number of variants. sizes: size -> number of variants. params: the sampling parameters that
    all variants share. done: None if the store couldn't be read; `unknown` says why. held_back: variants that
    crashed workers or failed too often. to_render: pictures that are neither done nor held back; variants can share
    one. unpublished, removals: as in `StoreState`. memory: None for hosted models, and if it couldn't be estimated.
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

    @property
    def has_work(self) -> bool:
        """Whether a run would render anything or publish another manifest."""
        return bool(self.to_render or self.unpublished or self.removals)


def summarise(
    plan: Plan,
    deliver: str,
    store: StoreState | None,
    unknown: str | None = None,
    warnings: Iterable[str] = (),
    memory: MemoryPlan | None = None,
) -> Summary:
    """Returns the summary of a plan. store: None if it isn't known; `unknown` says why."""
    keys = render_keys(plan.variants)
    state = store or StoreState()
    held_back = len(keys & state.held_back)
    done_count = sum(variant.render_key in state.done for variant in plan.variants)
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
        to_render=len(keys) - len(keys & state.done) - held_back,
        warnings=(*warnings, *refused),
        memory=memory,
        held_back=held_back,
        unpublished=state.unpublished,
        removals=state.removals,
    )


def _axes(plan: Plan) -> dict[str, dict[str, int]]:
    """Returns axis -> name -> number of variants."""
    counts = {axis.name: dict.fromkeys(axis.values, 0) for axis in plan.campaign.axes.values()}
    for variant in plan.variants:
        for axis, name in variant.axes.items():
            counts[axis][name] += 1
    return counts


def _reference_sets(variants: Sequence[Variant]) -> tuple[ReferenceSet, ...]:
    """Returns the reference sets in the order of their first variants."""
    counts = Counter(variant.reference_set for variant in variants)
    first = {variant.reference_set: variant.references for variant in reversed(variants)}
    return tuple(ReferenceSet(first[digests], count) for digests, count in counts.items())


def summary_json(summary: Summary, first: int) -> dict[str, Any]:
    """Returns the summary as plain JSON values. first: how many variants to include in full."""
    plan = summary.plan
    model, job = plan.model, plan.campaign.job
    return {
        "campaign": plan.campaign.name,
        "brand": plan.campaign.brand.name,
        "deliver": summary.deliver,
        "spec_sha256": plan.campaign.spec_sha256,
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
        "variants": len(plan.variants),
        "pictures": len(render_keys(plan.variants)),
        "feeds": [asdict(feed) for feed in plan.campaign.feeds],
        "done": summary.done,
        "held_back": summary.held_back,
        "to_render": summary.to_render,
        "unpublished": summary.unpublished,
        "removals": summary.removals,
        "store_error": summary.unknown,
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
        "reference_memory": asdict(reference_memory(plan)),
    }


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
    }
