"""The rounds of a run: what is deleted while it's at work, and what a quality gate blocks, is rendered again."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
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


class RunRounds:
    """What changes from round to round: the plan, as it was decided last, the records, and the latest manifest.

    index, latest: as they were read last. loop: that of the last round; None before the first.
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
        self.loop: DriverLoop | None = None
        self._run, self._gate, self._folder, self._render = run, gate, folder, render
        self._plan, self._suspects = run.plan, suspects
        self._asked = 0

    def render(self, plan: Plan, waiting: tuple[Variant, ...]) -> Rendered:
        """Renders variants of a decided plan, and again those that are deleted meanwhile.

        Raises StoreBlockedError, NothingRenderedError, StoreError, and what `render` raises.
        """
        results = self._run.results
        self._plan, self._asked = plan, self._asked + len(waiting)
        ended = False
        for _ in range(MAX_ROUNDS):
            only = None if self._run.only is None else self._gate.keys(self._plan)
            run = replace(self._run, plan=self._plan, only=only)
            loop = self.loop = self._render(run, waiting, self._suspects, self._more)
            if loop.blocked:
                raise StoreBlockedError(loop.blocked, len(results.done), self._asked)
            if loop.ended_early and not results.done:
                raise NothingRenderedError(loop.ended_early)
            known = self.index.merged(results.done, results.others)
            ended = loop.budget_reached or loop.ended_early is not None
            self._refresh()
            self._suspects = frozenset()
            waiting = () if ended else _deleted_meanwhile(replace(run, plan=self._plan), known, self.index)
            if not waiting:
                break
        return Rendered(self._plan, self.index, ended)

    def _more(self) -> tuple[Variant, ...]:
        """Judges what is rendered, and returns what the gate blocks, to be rendered again while workers are loaded."""
        if self._plan.gate is None:
            return ()
        self._refresh()
        following = self._gate.next(self._folder, self._plan, self.index, lambda: self._run.stop.received)
        self._plan = following.plan
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
