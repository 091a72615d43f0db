"""The way from a plan to the campaign's folder: whatever compares a plan with its store goes through here."""

from __future__ import annotations

from brandpress.pipeline.deliver.decisions import read_decisions
from brandpress.pipeline.deliver.verdicts import read_verdicts
from brandpress.pipeline.plan.decided import apply_decisions
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.gated import VerdictOf
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.verdict import Verdict
from brandpress.pipeline.plan.verdict_basis import basis_of
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store


def open_plan(plan: Plan) -> tuple[Store, Plan]:
    """Returns the campaign's folder, and the plan with the decisions that are stored there. Raises StoreError, and
    RequestError if a rejected variant has no next seed."""
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    return folder, decided(folder, plan)


def decided(folder: Store, plan: Plan) -> Plan:
    """Returns the plan with the decisions and the verdicts in the campaign's folder. Costs one listing if there are
    none.

    Raises StoreError, and RequestError if a rejected variant has no next seed.
    """
    decisions = read_decisions(folder).values()
    return apply_decisions(
        plan,
        rejected=frozenset(one.render_key for one in decisions if one.decision == "rejected"),
        picked=[one.render_key for one in decisions if one.decision == "picked"],
        approved=frozenset(one.render_key for one in decisions if one.decision == "approved"),
        verdict_of=_stored_verdicts(folder, plan),
    )


def _stored_verdicts(folder: Store, plan: Plan) -> VerdictOf:
    gate = plan.campaign.job.quality_gate
    if gate is None:
        return lambda variant: None
    stored, basis = read_verdicts(folder), basis_of(gate, plan.campaign.brand)

    def verdict_of(variant: Variant) -> Verdict | None:
        one = stored.get((variant.render_key, basis(variant)))
        return None if one is None else one.verdict

    return verdict_of
