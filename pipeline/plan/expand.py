"""Campaign -> plan: every variant with its references, sampling parameters and render key."""

from __future__ import annotations

from dataclasses import dataclass, field

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.parts import part_problems
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import make_variants
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import SpecError


@dataclass(frozen=True)
class Plan:
    """The variants of a campaign for one model: by reference set, the sets as they first appear in the matrix; then by
    size, prompt and seed.

    picked_out: variants that are neither rendered nor published, because another seed was picked; they aren't among
    `variants`.
    """

    campaign: Campaign
    model: ModelDescription
    variants: tuple[Variant, ...] = field(repr=False, compare=False)
    picked_out: tuple[Variant, ...] = field(default=(), repr=False, compare=False)

    @property
    def planned(self) -> int:
        """The number of all variants of the campaign."""
        return len(self.variants) + len(self.picked_out)


def make_plan(campaign: Campaign, *, fetch: bool = False, check: bool = False) -> Plan:
    """Returns the plan for the model that the campaign names.

    fetch: download the model if it's a hub id that isn't in the cache yet. check: check the headers of the model's
    files, which must be able to render. Raises CheckpointError if there is no such model, and SpecError if the campaign
    uses something that the model can't do, or if a part of the model is unusable.
    """
    model = describe(campaign.choice, campaign.path.parent, fetch=fetch)
    if check and (problems := part_problems(campaign.choice, model, campaign.source.problem)):
        raise SpecError(tuple(problems))
    return plan_for(campaign, model)


def plan_for(campaign: Campaign, model: ModelDescription) -> Plan:
    """Returns the plan for a described model. Raises SpecError if the campaign uses something that it can't do."""
    problems = model_problems(campaign, model)
    if problems:
        raise SpecError(problems)
    return Plan(campaign, model, make_variants(campaign, model))
