"""Campaign -> plan: every variant with its references, sampling settings and render key, those of a reference set
together. However many there are, they're made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.recipe import Recipe
from brandpress.pipeline.plan.variants import Variants
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import SpecError


@dataclass(frozen=True)
class Plan:
    """All variants of a campaign for one model, sorted by reference set."""

    campaign: Campaign
    model: ModelDescription
    variants: Variants = field(repr=False, compare=False)


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
    return Plan(campaign, model, Variants(campaign.points, Recipe(campaign, model)))
