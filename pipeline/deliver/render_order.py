"""What to render: a job's plan, a selection of it, or exactly what a saved plan lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.plan_summary import selected_variants, store_state
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan, make_plan
from brandpress.pipeline.plan.locked import require_renderable
from brandpress.pipeline.plan.saved_plan import (
    SavedPlan,
    StalePlanError,
    changed_inputs,
    changed_variants,
    is_saved_plan,
    job_of,
    read_saved_plan,
)
from brandpress.pipeline.plan.selection import OPTION, campaign_selection
from brandpress.pipeline.plan.summary import summarise
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.load import load_campaign


@dataclass(frozen=True, slots=True)
class RenderOrder:
    """A plan, and the render keys of the variants to render if they are missing; None: all."""

    plan: Plan
    only: frozenset[str] | None = None


def render_order(
    file: Path,
    deliver: str | None = None,
    select: Sequence[str] = (),
    *,
    locked: bool = False,
    narrowing: Sequence[str] = (),
) -> RenderOrder:
    """Returns what to render of a job, or of a saved plan.

    deliver: an address that replaces the job's. select: terms of a selection. locked: require that the campaign is as
    its lock says. narrowing: other options of the command line that a saved plan doesn't go with. Downloads the model
    if necessary. Raises StalePlanError if something that the plan was made from has changed, OutdatedLockError,
    RequestError, SpecError, CheckpointError and StoreError.
    """
    if is_saved_plan(file):
        options = [*(["--deliver"] if deliver is not None else []), *([OPTION] if select else []), *narrowing]
        if options:
            raise RequestError(f"{options[0]}: {file} is a saved plan, which says what to render; remove the option")
        return _saved_order(file, read_saved_plan(file), locked)
    plan = _renderable_plan(load_campaign(file, deliver), locked)
    selection = campaign_selection(select, plan.campaign, plan.variants)
    if selection is None:
        return RenderOrder(plan)
    folder, plan = open_plan(plan)
    return RenderOrder(plan, render_keys(selected_variants(folder, plan, selection)))


def _saved_order(file: Path, saved: SavedPlan, locked: bool) -> RenderOrder:
    campaign = load_campaign(job_of(saved, file), saved.deliver_option)
    folder, plan = open_plan(_renderable_plan(campaign, locked))
    state = store_state(folder, plan)
    changes = list(changed_inputs(saved, plan, state.pointer))
    try:
        selection = campaign_selection(saved.selection, campaign, plan.variants)
        changes += changed_variants(saved, summarise(plan, str(campaign.address), state, selection=selection))
    except RequestError as error:  # the selection asks for something that the job no longer has
        changes.append(str(error))
    if changes:
        raise StalePlanError(file, changes)
    return RenderOrder(plan, saved.render_keys)


def _renderable_plan(campaign: Campaign, locked: bool) -> Plan:
    plan = make_plan(campaign, fetch=True, check=True, locked=locked)
    require_renderable(plan.lock)
    return plan
