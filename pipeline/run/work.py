"""What a run of a plan would do: which pictures are new, and which replace published ones."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.plan_summary import store_state
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.state import count_states
from brandpress.pipeline.store.protocol import Store


@dataclass(frozen=True, slots=True)
class Work:
    """The variants of a plan by what a run does with them.

    The counts are those of `plan`. new: names of variants to render under whose name nothing is published. stale: names
    of those that replace published pictures. done: number of those that are rendered. held_back: number of those that
    failed too often. unpublished: rendered ones that the latest manifest lacks. removals: pictures in it that aren't
    to be published any more. picked_out: variants of which another seed was picked.
    """

    planned: int
    new: tuple[str, ...]
    stale: tuple[str, ...]
    done: int
    held_back: int
    unpublished: int
    removals: int
    picked_out: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether a run would neither render nor publish."""
        return not (self.new or self.stale or self.unpublished or self.removals)


def work_of(plan: Plan, folder: Store) -> Work:
    """Compares a plan, with the decisions of its reviewers, with the campaign's folder.

    Raises StoreError, and RequestError if a rejected variant has no next seed.
    """
    plan = decided(folder, plan)
    state = store_state(folder, plan)
    states = state.variants or ()
    counts = count_states(states)
    return Work(
        planned=plan.planned,
        new=tuple(sorted(one.name for one in states if one.state == "new")),
        stale=tuple(sorted(one.name for one in states if one.state == "stale")),
        done=counts["unchanged"],
        held_back=counts["held_back"],
        unpublished=state.unpublished,
        removals=state.removals,
        picked_out=len(plan.picked_out),
    )
