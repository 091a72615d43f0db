"""Campaign -> plan: every variant with its references, sampling settings and render key, those of a reference set
together."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.checkpoint.describe import ModelDescription, describe
from pipeline.plan.identity import KeyInputs, render_key
from pipeline.plan.variant import Reference, Variant
from pipeline.spec.campaign import Campaign, Custom
from pipeline.spec.point import Point
from pipeline.spec.problem import Problem, SpecError
from pipeline.spec.wording import listing, quote


@dataclass(frozen=True)
class Plan:
    """All variants of a campaign for one model, sorted by reference set."""

    campaign: Campaign
    model: ModelDescription
    variants: tuple[Variant, ...] = field(repr=False)


def make_plan(campaign: Campaign) -> Plan:
    """The plan for the model that the campaign names. Raises CheckpointError when that can't be found, and SpecError
    when the campaign asks for what it can't do."""
    return plan_for(campaign, describe(campaign.model, campaign.path.parent))


def plan_for(campaign: Campaign, model: ModelDescription) -> Plan:
    """The plan for a model that is described already. Raises SpecError when the campaign asks for what it can't do.

    Order: by reference set, the sets as they first appear in the matrix; then by size, prompt and seed.
    """
    problems = model_problems(campaign, model)
    if problems:
        raise SpecError(problems)
    steps, guidance = sampling(campaign, model)
    chosen = _References(campaign)
    variants = [_variant(campaign, model, point, chosen.of(point), steps, guidance) for point in campaign.points]
    groups: dict[tuple[str, ...], int] = {}
    for variant in variants:
        groups.setdefault(variant.reference_set, len(groups))
    variants.sort(key=lambda v: (groups[v.reference_set], v.width, v.height, v.prompt, v.seed, v.name))
    return Plan(campaign, model, tuple(variants))


def sampling(campaign: Campaign, model: ModelDescription) -> tuple[int, float]:
    """Steps and guidance: of the quality preset as the model defines it, or the campaign's own."""
    quality = campaign.job.quality
    if isinstance(quality, Custom):
        steps = quality.steps if quality.steps is not None else model.steps["standard"]
        return steps, float(quality.guidance if quality.guidance is not None else model.guidance)
    return model.steps[quality], float(model.guidance)


def model_problems(campaign: Campaign, model: ModelDescription) -> tuple[Problem, ...]:
    """What a campaign that is right in itself asks of a model that can't do it."""
    problems = []
    source, quality = campaign.source, campaign.job.quality
    preset = "standard" if isinstance(quality, Custom) and quality.steps is None else quality
    if isinstance(preset, str) and preset not in model.steps:
        what = f"the model {quote(model.name)} has no quality {quote(preset)}"
        problems.append(source.problem(("quality",), what, f"allowed: {listing(model.steps)}, or {{steps: 20}}"))
    most = max((len(campaign.references(point)) for point in _one_of_each_set(campaign)), default=0)
    if most > model.max_references:
        what = f"some variants have {most} reference pictures, and the model {quote(model.name)} takes fewer"
        problems.append(source.problem(("references",), what, f"allowed: {model.max_references} together"))
    return tuple(problems)


def _one_of_each_set(campaign: Campaign) -> list[Point]:
    roles = campaign.job.references
    return list({tuple(point.axes.get(role) for role in roles): point for point in campaign.points}.values())


class _References:
    """The references of points, made once for each choice of names."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._known: dict[tuple[str | None, ...], tuple[Reference, ...]] = {}

    def of(self, point: Point) -> tuple[Reference, ...]:
        chosen = tuple(point.axes.get(role) for role in self._campaign.job.references)
        if chosen not in self._known:
            self._known[chosen] = tuple(
                Reference(role, picture.file, picture.path, picture.sha256)
                for role, picture in self._campaign.references(point)
            )
        return self._known[chosen]


def _variant(
    campaign: Campaign,
    model: ModelDescription,
    point: Point,
    references: tuple[Reference, ...],
    steps: int,
    guidance: float,
) -> Variant:
    format = campaign.output.format
    key = KeyInputs(
        weights=model.weights_digest,
        prompt=point.prompt,
        references=tuple(reference.sha256 for reference in references),
        width=point.size.width,
        height=point.size.height,
        steps=steps,
        guidance=guidance,
        seed=point.seed,
        quantisation=None,
        sampler=model.sampler,
        format=format,
    )
    return Variant(
        name=point.name,
        axes=point.axes,
        prompt=point.prompt,
        references=references,
        width=point.size.width,
        height=point.size.height,
        steps=steps,
        guidance=guidance,
        seed=point.seed,
        format=format,
        render_key=render_key(key),
    )
