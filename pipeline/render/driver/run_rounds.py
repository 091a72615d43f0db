"""The rounds of a run: what is deleted while it's at work, and what a quality gate blocks, is rendered again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.gate_rounds import GateRounds, Rendered, kept_keys
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, StoreBlockedError
from brandpress.pipeline.render.driver.ray_round import RunContext
from brandpress.pipeline.render.events import Warned
from brandpress.pipeline.store.protocol import ObjectStat, Store

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan

MAX_ROUNDS = 3
"""A run renders again what is deleted while it's at work, at most this often."""

RenderRound = Callable[[RunContext, tuple[Variant, ...], Set[str], Callable[[], tuple[Variant, ...]]], DriverLoop]
"""Takes what the rounds share, the variants to render, those that may kill workers, and what returns more of them."""


@dataclass(slots=True)
class RoundTotals:
    """What the loops of all rounds add up to. untried: variants that no worker was left for, and that no later round
    was given. ended_early: why the run ended before all were tried; None otherwise."""

    untried: tuple[Failure, ...] = ()
    recorded_elsewhere: int = 0
    busy_seconds: float = 0.0
    model_seconds: float = 0.0
    budget_reached: bool = False
    ended_early: str | None = None

    def try_again(self, variants: Iterable[Variant]) -> None:
        """A further round, or a further part of one, is given these variants."""
        names = {variant.name for variant in variants}
        self.untried = tuple(failure for failure in self.untried if failure.name not in names)

    def add(self, loop: DriverLoop) -> None:
        """Adds a round that has ended."""
        self.untried += loop.untried
        self.recorded_elsewhere += loop.recorded_elsewhere
        self.busy_seconds += loop.busy_seconds
        self.model_seconds += loop.model_seconds
        self.budget_reached = self.budget_reached or loop.budget_reached
        self.ended_early = self.ended_early or loop.ended_early

    @property
    def outside_model(self) -> float | None:
        """The share of the workers' busy time spent outside the model; None if they were never busy."""
        return max(0.0, 1 - self.model_seconds / self.busy_seconds) if self.busy_seconds else None


class RunRounds:
    """What changes from round to round: the plan, as it was decided last, the records, and the latest manifest.

    index, latest: as they were read last. totals: of the rounds that have ended.
    """

    def __init__(
        self,
        run: RunContext,
        gate: GateRounds,
        folder: Store,
        index: RecordIndex,
        latest: ObjectStat | None,
        suspects: Set[str],
        render: RenderRound,
    ) -> None:
        """folder: the campaign's, with retries. suspects: render keys of variants that may kill workers."""
        self.index, self.latest = index, latest
        self.totals = RoundTotals()
        self._run, self._gate, self._folder, self._render = run, gate, folder, render
        self._plan, self._suspects = run.plan, suspects
        self._requested = 0

    def render(self, plan: Plan, waiting: tuple[Variant, ...]) -> Rendered:
        """Renders variants of a decided plan, and again those that are deleted meanwhile.

        An error after pictures were delivered ends the run early, so that they are published. Raises StoreBlockedError,
        NothingRenderedError, StoreError, and what `render` raises.
        """
        self._plan, self._requested = plan, self._requested + len(waiting)
        ended = False
        for _ in range(MAX_ROUNDS):
            only = None if self._run.only is None else self._gate.keys(self._plan)
            run = replace(self._run, plan=self._plan, only=only, unfinished=self.index.unfinished)
            self.totals.try_again(waiting)
            self._render_round(run, waiting)
            known = self.index.merged(run.results.done, run.results.others)
            ended = self.totals.budget_reached or self.totals.ended_early is not None
            self._refresh()
            self._suspects = frozenset()
            waiting = () if ended else _deleted_meanwhile(replace(run, plan=self._plan), known, self.index)
            if not waiting:
                break
        return Rendered(self._plan, self.index, ended)

    def _render_round(self, run: RunContext, waiting: tuple[Variant, ...]) -> None:
        try:
            loop = self._render(run, waiting, self._suspects, self._more)
        except StoreBlockedError:
            raise
        except BrandpressError as error:
            if not run.results.done:
                raise
            run.on_event(Warned(f"the run ends early, and what it has delivered is published: {error}"))
            self.totals.ended_early = str(error)
            return
        if loop.blocked:
            raise StoreBlockedError(loop.blocked, len(run.results.done), self._requested)
        self.totals.add(loop)
        if loop.ended_early and not run.results.done:
            raise NothingRenderedError(loop.ended_early)

    def _more(self) -> tuple[Variant, ...]:
        """Judges what is rendered, and returns what the gate blocks, to be rendered again while workers are loaded."""
        if self._plan.gate is None:
            return ()
        self._refresh()
        following = self._gate.next(self._folder, self._plan, self.index, lambda: self._run.stop.received)
        self._plan = following.plan
        self.totals.try_again(following.left)
        return following.left

    def _refresh(self) -> None:
        known = self.index.merged(self._run.results.done, self._run.results.others)
        self.latest = self._folder.stat(LATEST)
        self.index = read_index(self._folder, kept_keys(self._plan), known)


def _deleted_meanwhile(run: RunContext, known: RecordIndex, index: RecordIndex) -> tuple[Variant, ...]:
    """Returns the variants whose pictures were done before or in this run and have been deleted since."""
    deleted = known.done.keys() - index.done.keys()
    deleted = deleted if run.only is None else deleted & run.only
    if not deleted or run.stop.received:
        return ()
    run.on_event(Warned(f"{len(deleted):,} pictures were deleted from {run.folder.uri} meanwhile; rendering again"))
    return tuple(variant for variant in run.plan.variants if variant.render_key in deleted)
