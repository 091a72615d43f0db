"""Campaign -> plan: every variant with its references, sampling settings and render key, those of a reference set
together."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.checkpoint.describe import ModelDescription, describe
from pipeline.plan.ability import model_problems
from pipeline.plan.identity import KeyInputs, render_key
from pipeline.plan.sampling import Sampling, sampling
from pipeline.plan.variant import Reference, Variant
from pipeline.spec.campaign import Campaign
from pipeline.spec.point import Point
from pipeline.spec.problem import SpecError


@dataclass(frozen=True)
class Plan:
    """All variants of a campaign for one model, sorted by reference set."""

    campaign: Campaign
    model: ModelDescription
    variants: tuple[Variant, ...] = field(repr=False)


def make_plan(campaign: Campaign, *, fetch: bool = False) -> Plan:
    """The plan for the model that the campaign names. fetch: download it when it's on the hub and not in its cache.
    Raises CheckpointError when it can't be found, and SpecError when the campaign asks for what it can't do."""
    return plan_for(campaign, describe(campaign.choice, campaign.path.parent, fetch=fetch))


def plan_for(campaign: Campaign, model: ModelDescription) -> Plan:
    """The plan for a model that is described already. Raises SpecError when the campaign asks for what it can't do.

    Order: by reference set, the sets as they first appear in the matrix; then by size, prompt and seed.
    """
    problems = model_problems(campaign, model)
    if problems:
        raise SpecError(problems)
    settings, chosen = sampling(campaign, model), _References(campaign)
    variants = [_variant(campaign, model, point, chosen.of(point), settings) for point in campaign.points]
    groups: dict[tuple[str, ...], int] = {}
    for variant in variants:
        groups.setdefault(variant.reference_set, len(groups))
    variants.sort(key=lambda v: (groups[v.reference_set], v.width, v.height, v.prompt, v.seed, v.name))
    return Plan(campaign, model, tuple(variants))


class _References:
    """The references of points, made once for each choice of names."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._known: dict[tuple[str | None, ...], tuple[Reference, ...]] = {}

    def of(self, point: Point) -> tuple[Reference, ...]:
        chosen = tuple(point.axes.get(role) for role in self._campaign.job.references)
        if chosen not in self._known:
            ground = self._campaign.brand.ground
            self._known[chosen] = tuple(
                Reference(role, picture.file, picture.path, picture.sha256, ground if picture.transparent else None)
                for role, picture in self._campaign.references(point)
            )
        return self._known[chosen]


def _variant(
    campaign: Campaign,
    model: ModelDescription,
    point: Point,
    references: tuple[Reference, ...],
    sampling: Sampling,
) -> Variant:
    format = campaign.output.format
    reference_pixels = sampling.reference_pixels if references else None
    key = KeyInputs(
        weights=model.weights_digest,
        prompt=point.prompt,
        references=tuple(reference.identity for reference in references),
        width=point.size.width,
        height=point.size.height,
        steps=sampling.steps,
        guidance=sampling.guidance,
        seed=point.seed,
        quantisation=model.choice.quantise,
        sampler=model.sampler,
        format=format,
        negative_prompt=sampling.negative_prompt,
        reference_pixels=reference_pixels,
        upsample=sampling.upsample,
    )
    return Variant(
        name=point.name,
        axes=point.axes,
        prompt=point.prompt,
        references=references,
        width=point.size.width,
        height=point.size.height,
        steps=sampling.steps,
        guidance=sampling.guidance,
        seed=point.seed,
        format=format,
        render_key=render_key(key),
        negative_prompt=sampling.negative_prompt,
        reference_pixels=reference_pixels,
        upsample=sampling.upsample,
    )
