"""A plan in numbers: what `brandpress plan` shows."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass
from typing import Any

from brandpress.model.choice import ModelChoice
from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.pipeline.plan.diff import RenderKeys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import MemoryPlan
from brandpress.pipeline.plan.variant import Reference, Variant


@dataclass(frozen=True)
class ReferenceSet:
    """References that variants share, and how many variants do."""

    references: tuple[Reference, ...]
    variants: int


@dataclass(frozen=True)
class Summary:
    """The numbers of a plan. `axes`: axis -> name -> variants. `sizes`: size -> variants. `done` None: it isn't known
    what the store has, for the reason in `unknown`. `held_back`: variants that took workers down before. `to_render`:
    all others that aren't done. `steps`, `guidance` None: the service chooses. `warnings`: what a person should know
    before rendering. `memory` None: nothing is known of it, or a service renders."""

    plan: Plan
    deliver: str
    axes: dict[str, dict[str, int]]
    sizes: dict[str, int]
    seeds: int
    steps: int | None
    guidance: float | None
    reference_sets: tuple[ReferenceSet, ...]
    done: int | None
    unknown: str | None
    to_render: int
    warnings: tuple[str, ...] = ()
    memory: MemoryPlan | None = None
    held_back: int = 0


def summarise(
    plan: Plan,
    deliver: str,
    done: Set[str] | None,
    unknown: str | None = None,
    warnings: Iterable[str] = (),
    memory: MemoryPlan | None = None,
    quarantined: Set[str] = frozenset(),
) -> Summary:
    """The summary of a plan, given the render keys that the store has done (None: not known) and quarantined."""
    variants, shared = plan.variants, plan.variants.sampling
    sizes: dict[str, int] = {}
    sets: dict[tuple[str, ...], ReferenceSet] = {}
    for group in variants.groups:
        sizes[str(group.size)] = sizes.get(str(group.size), 0) + group.variants
        found = sets.get(group.chosen.reference_set, ReferenceSet(group.chosen.references, 0))
        sets[group.chosen.reference_set] = ReferenceSet(found.references, found.variants + group.variants)
    known = len(RenderKeys(variants) & done) if done else 0
    held_back = len(RenderKeys(variants) & quarantined) if quarantined else 0
    refused = (memory.refusal,) if memory is not None and memory.refusal is not None else ()
    return Summary(
        plan=plan,
        deliver=deliver,
        axes=_axes(plan),
        sizes=sizes,
        seeds=len(plan.campaign.job.seeds),
        steps=shared.steps,
        guidance=shared.guidance,
        reference_sets=tuple(sets.values()),
        done=None if done is None else known,
        unknown=unknown,
        to_render=len(variants) - known - held_back,
        warnings=(*warnings, *refused),
        memory=memory,
        held_back=held_back,
    )


def _axes(plan: Plan) -> dict[str, dict[str, int]]:
    """Variants of each name of each axis."""
    combinations = plan.campaign.points.combinations
    seeds = len(plan.variants) // len(combinations)
    axes = {axis: dict.fromkeys(found.values, 0) for axis, found in plan.campaign.axes.items()}
    for combination in combinations:
        for axis, name in combination.items():
            axes[axis][name] += seeds
    return axes


def summary_json(summary: Summary, first: int) -> dict[str, Any]:
    """The summary as plain JSON values, with the `first` variants in full."""
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
            "sampler": model.sampler,
            "choice": choice_json(plan.campaign.choice),
        },
        "steps": summary.steps,
        "guidance": summary.guidance,
        "negative_prompt": job.negative_prompt or None,
        "reference_pixels": job.reference_pixels,
        "upsample": job.upsample,
        "reuse": job.reuse,
        "variants": len(plan.variants),
        "done": summary.done,
        "held_back": summary.held_back,
        "to_render": summary.to_render,
        "store_error": summary.unknown,
        "axes": summary.axes,
        "sizes": summary.sizes,
        "seeds": summary.seeds,
        "reference_sets": [
            {"references": [_reference(reference) for reference in found.references], "variants": found.variants}
            for found in summary.reference_sets
        ],
        "first": [_variant(variant) for variant in plan.variants[:first]],
        "warnings": list(summary.warnings),
        "memory": memory_json(summary.memory),
    }


def memory_json(memory: MemoryPlan | None) -> dict[str, Any] | None:
    """Bytes of each part, what both ways of sharing need, and what the device has in all (`total`) and free
    (`available`), as plain JSON values."""
    if memory is None:
        return None
    needs = {"resident": memory.need.resident, "turns": memory.need.offloaded}
    device = {"device": memory.device.name, "total": memory.device.total, "available": memory.device.free}
    residency = None if memory.residency is None else RECORDED_RESIDENCY[memory.residency]
    fit = {"residency": residency, "turns_from": memory.offloaded_to, "refusal": memory.refusal}
    return asdict(memory.need) | {"needs": needs} | device | fit


def choice_json(choice: ModelChoice) -> dict[str, Any]:
    """What of a choice is set, as plain JSON values."""
    return {name: value for name, value in asdict(choice).items() if value}


def _reference(reference: Reference) -> dict[str, str | None]:
    values = asdict(reference)
    return {name: values[name] for name in ("role", "file", "sha256", "background")}


def _variant(variant: Variant) -> dict[str, Any]:
    values = asdict(variant)
    values["references"] = [_reference(reference) for reference in variant.references]
    return values | {"asset": variant.asset}
