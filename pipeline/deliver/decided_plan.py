"""The way from a plan to the campaign's folder: whatever compares a plan with its store goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from brandpress.pipeline.deliver.decisions import read_decisions
from brandpress.pipeline.deliver.judged_files import JudgedFiles
from brandpress.pipeline.deliver.verdicts import read_verdicts
from brandpress.pipeline.plan.decided import apply_decisions
from brandpress.pipeline.plan.expand import Plan
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


def decided(folder: Store, plan: Plan, done: Mapping[str, bytes] | None = None) -> Plan:
    """Returns the plan with the decisions and the verdicts in the campaign's folder. Costs one listing if there are
    none.

    done: lines of records by render key, as far as they are known. Raises StoreError, and RequestError if a rejected
    variant has no next seed.
    """
    decisions = read_decisions(folder).values()
    rejected = frozenset(one.render_key for one in decisions if one.decision == "rejected")
    picked = [one.render_key for one in decisions if one.decision == "picked"]
    approved = frozenset(one.render_key for one in decisions if one.decision == "approved")
    gate = plan.campaign.job.quality_gate
    if gate is None:
        return apply_decisions(plan, rejected, picked, approved)
    accepted: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for one in decisions:
        if one.decision != "rejected":
            accepted.setdefault(one.render_key, set()).add(one.sha256)
            names.setdefault(one.render_key, set()).update(one.names)
    verdicts, basis = read_verdicts(folder), basis_of(gate, plan.campaign.brand)
    files = JudgedFiles(folder, verdicts, accepted, done or {})

    def verdict_of(variant: Variant) -> Verdict | None:
        sha256 = files.sha256(variant.render_key)
        return verdicts.by_file.get((variant.render_key, basis(variant), sha256)) if sha256 else None

    lapsed = frozenset(key for key, digests in accepted.items() if files.sha256(key) not in digests)
    plan = apply_decisions(plan, rejected, picked, approved, verdict_of, lapsed, names)
    return replace(plan, gate=replace(plan.gate, digests=files.known)) if plan.gate else plan
