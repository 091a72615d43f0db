"""What a run of a plan would do: which pictures are new, and which replace published ones."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_fields, read_latest
from brandpress.pipeline.deliver.plan_summary import store_state
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Work:
    """The variants of a plan by what a run does with them.

    new: names of those to render that nothing was published for. stale: names of those to render because something
    about them has changed, which replace published ones. done: number of those that are rendered. held_back: number of
    those that failed too often. unpublished: rendered ones that the latest manifest lacks. removals: pictures in it
    that the plan no longer has.
    """

    planned: int
    new: tuple[str, ...]
    stale: tuple[str, ...]
    done: int
    held_back: int
    unpublished: int
    removals: int

    @property
    def is_empty(self) -> bool:
        """Whether a run would neither render nor publish."""
        return not (self.new or self.stale or self.unpublished or self.removals)


def work_of(plan: Plan, folder: Store) -> Work:
    """Compares a plan, with the decisions about its pictures, with the campaign's folder. Raises StoreError, and
    RequestError if a rejected variant has no next seed."""
    plan = decided(folder, plan)
    state = store_state(folder, plan)
    names, points = _published(folder)
    new: list[str] = []
    stale: list[str] = []
    for variant in plan.variants:
        if variant.render_key in state.done or variant.render_key in state.held_back:
            continue
        point = (variant.seed, *sorted(variant.axes.items()))
        (stale if variant.name in names or point in points else new).append(variant.name)
    keys = [variant.render_key for variant in plan.variants]
    return Work(
        planned=len(plan.variants),
        new=tuple(sorted(new)),
        stale=tuple(sorted(stale)),
        done=sum(key in state.done for key in keys),
        held_back=sum(key in state.held_back for key in keys),
        unpublished=state.unpublished,
        removals=state.removals,
    )


def _published(folder: Store) -> tuple[set[str], set[tuple[object, ...]]]:
    """Returns the names and the matrix points of the published pictures."""
    names: set[str] = set()
    points: set[tuple[object, ...]] = set()
    try:
        latest = read_latest(folder)
        for fields in read_fields(folder, latest, "variants") if latest else ():
            names.add(fields["name"])
            points.add((fields["seed"], *sorted(fields["axes"].items())))
    except BrokenManifestError:
        return set(), set()
    return names, points
