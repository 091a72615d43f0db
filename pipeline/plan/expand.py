"""Campaign -> plan: every variant with its references, sampling parameters and render key."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.gated import GateState
from brandpress.pipeline.plan.locked import LockUse, planned_model, require_lock
from brandpress.pipeline.plan.parts import part_problems, problem_of
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import make_variants
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import SpecError


@dataclass(frozen=True)
class Plan:
    """The variants of a campaign for one model: by reference set, the sets as they first appear in the matrix; then by
    size, prompt and seed.

    picked_out: variants that are neither rendered nor published, because another seed was picked; they aren't among
    `variants`. lock: the campaign's, and whether it stands in for the model's files. undecided: the variants before
    decisions and verdicts changed their seeds; None for a plan without any. gate: what the quality gate says about the
    variants; None without one. rejected: render keys of rejected pictures, also of those that it doesn't have.
    """

    campaign: Campaign
    model: ModelDescription
    variants: tuple[Variant, ...] = field(repr=False, compare=False)
    picked_out: tuple[Variant, ...] = field(default=(), repr=False, compare=False)
    lock: LockUse | None = field(default=None, repr=False, compare=False)
    undecided: tuple[Variant, ...] | None = field(default=None, repr=False, compare=False)
    gate: GateState | None = field(default=None, repr=False, compare=False)
    rejected: Set[str] = field(default=frozenset(), repr=False, compare=False)

    @property
    def planned(self) -> int:
        """The number of all variants of the campaign."""
        return len(self.variants) + len(self.picked_out)

    @property
    def attempted(self) -> tuple[Variant, ...]:
        """The pictures that the quality gate blocks, which stay in the store."""
        return self.gate.attempted if self.gate else ()

    @property
    def passed(self) -> tuple[Variant, ...]:
        """The pictures that the quality gate or people have passed over: without them, they'd be rendered again."""
        return self.gate.passed if self.gate else ()

    @property
    def replaced(self) -> dict[str, str]:
        """Render key of each picture that is replaced by that of another seed -> why."""
        blocked = dict.fromkeys(render_keys(self.attempted), "the quality gate blocks the picture")
        return blocked | dict.fromkeys(self.rejected, "the picture was rejected")


def make_plan(campaign: Campaign, *, fetch: bool = False, check: bool = False, locked: bool = False) -> Plan:
    """Returns the plan for the model that the campaign names. Without the model's files, its lock is enough.

    fetch: download the model if it's a hub id that isn't in the cache yet. check: check the headers of the model's
    files, which must be able to render. locked: require that the campaign has a lock and is as it says. Raises
    CheckpointError if there is no such model, SpecError if the campaign uses something that the model can't do, or if
    a part of the model is unusable, RequestError if the lock isn't valid, and OutdatedLockError with `locked`.
    """
    try:
        planned = planned_model(campaign.choice, campaign.path, fetch=fetch)
    except CheckpointError as error:
        problem = problem_of(campaign.choice, campaign.path.parent, error, campaign.source.problem)
        raise CheckpointError(str(problem)) from None
    if locked:
        require_lock(planned.lock, campaign)
    if check and (problems := part_problems(campaign.choice, planned.description, campaign.source.problem)):
        raise SpecError(tuple(problems))
    return plan_for(campaign, planned.description, planned.lock)


def plan_for(campaign: Campaign, model: ModelDescription, lock: LockUse | None = None) -> Plan:
    """Returns the plan for a described model. Raises SpecError if the campaign uses something that it can't do."""
    problems = model_problems(campaign, model)
    if problems:
        raise SpecError(problems)
    return Plan(campaign, model, make_variants(campaign, model), lock=lock)
