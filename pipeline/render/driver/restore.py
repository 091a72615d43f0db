"""Repairs a campaign until its latest manifest is intact: copies what it can, and lets a run render the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.repair import Repair, repair
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.verify import Verification, verify
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.picture_gate import PictureGate
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import OnEvent
from brandpress.pipeline.store.protocol import Store

MAX_ROUNDS = 3
"""A broken manifest hides what else is broken, and an object can break while others are repaired."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What a repair has done. before, after: what was verified. copied, rewritten, deleted: as in `Repair`. rendered:
    names of the pictures that had to be rendered again. new_manifest: whether another manifest was published."""

    before: Verification
    after: Verification
    copied: tuple[str, ...]
    rewritten: tuple[str, ...]
    deleted: tuple[str, ...]
    rendered: tuple[str, ...]
    new_manifest: bool


def restore(
    folder: Store,
    before: Verification,
    run: Callable[[Repair], Set[str] | None],
    check: Callable[[Store], Verification] = verify,
) -> Restoration:
    """Repairs what `before` reports as missing or changed. check: verifies the folder again.

    run: renders and publishes what a repair couldn't restore; returns the names of the pictures that it rendered, or
    None if it can't run, which ends the repair. Raises StoreError, and what `run` raises.
    """
    repairs: list[Repair] = []
    rendered: set[str] = set()
    after = before
    while after.broken and len(repairs) < MAX_ROUNDS:
        repairs.append(repair(folder, after))
        names = run(repairs[-1]) if repairs[-1].needs_run else frozenset()
        rendered |= names or set()
        after = check(folder)
        if names is None:
            break
    return Restoration(
        before=before,
        after=after,
        copied=_sorted(key for one in repairs for key in one.copied),
        rewritten=_sorted(key for one in repairs for key in one.rewritten),
        deleted=_sorted(key for one in repairs for key in one.deleted),
        rendered=_sorted(rendered),
        new_manifest=after.manifest != before.manifest or (after.intact and any(one.republish for one in repairs)),
    )


def render_lost(
    plan: Plan,
    repair: Repair,
    *,
    on_event: OnEvent,
    renderer: str,
    take_over: bool = False,
    gate: PictureGate | None = None,
) -> frozenset[str]:
    """Renders the lost pictures that the plan still has, and publishes the campaign. Returns the names of the rendered
    ones. take_over, gate: as in `render_campaign`. Raises what that raises."""
    variants = lost_variants(*open_plan(plan), repair)
    keys = frozenset(variant.render_key for variant in variants)
    outcome = render_campaign(plan, only=keys, on_event=on_event, renderer=renderer, take_over=take_over, gate=gate)
    return frozenset(variant.name for variant in variants) - {failure.name for failure in outcome.failures}


def lost_variants(folder: Store, plan: Plan, repair: Repair) -> tuple[Variant, ...]:
    """Returns the plan's variants whose pictures are lost.

    These are the variants with the render key of a lost picture, and those that the manifest lists with a lost picture
    of an earlier version of the job. If the manifest is broken, they are those with a record but without its picture.
    """
    if repair.republish:
        index = read_index(folder, render_keys(plan.variants))
        keys: Set[str] = index.unfinished.keys() - index.others.keys()
    else:
        keys = {record.render_key for record in repair.lost}
    names = {record.name for record in repair.lost if record.stale}
    return tuple(variant for variant in plan.variants if variant.render_key in keys or variant.name in names)


def _sorted(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))
