"""The way from a plan to the campaign's folder: whatever compares a plan with its store goes through here."""

from __future__ import annotations

from brandpress.pipeline.deliver.decisions import read_decisions
from brandpress.pipeline.plan.decided import apply_decisions
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store


def open_plan(plan: Plan) -> tuple[Store, Plan]:
    """Returns the campaign's folder, and the plan with the decisions that are stored there. Raises StoreError, and
    RequestError if a rejected variant has no next seed."""
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    return folder, decided(folder, plan)


def decided(folder: Store, plan: Plan) -> Plan:
    """Returns the plan with the decisions in the campaign's folder. Costs one listing if there are none.

    Raises StoreError, and RequestError if a rejected variant has no next seed.
    """
    decisions = read_decisions(folder).values()
    return apply_decisions(
        plan,
        rejected=frozenset(one.render_key for one in decisions if one.decision == "rejected"),
        picked=[one.render_key for one in decisions if one.decision == "picked"],
    )
