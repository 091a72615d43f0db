"""The rounds of a run with a quality gate: what is rendered is judged, and what is blocked is rendered again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

from brandpress.pipeline.deliver.admission import Admission, withheld_pictures
from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.diff import distinct, missing, render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.picture_gate import GateOutcome, PictureGate
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import Event, Judged, OnEvent, VariantRecorded, Warned
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

AHEAD_SECONDS = 5.0
"""How long measuring ahead tries a request to the store again. A run that ends waits for it, and the judge tries again
for longer."""


def kept_keys(plan: Plan) -> frozenset[str]:
    """Returns the render keys of a plan's variants and of the pictures that its gate or people passed over."""
    return render_keys(plan.variants) | render_keys(plan.passed)


def selected_names(variants: Sequence[Variant], keys: Set[str] | None) -> frozenset[str] | None:
    """Returns the names of the variants with these render keys; None: all."""
    return None if keys is None else frozenset(one.name for one in variants if one.render_key in keys)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The plan and the records after a round. ended: whether its budget or a shared cause has ended the run."""

    plan: Plan
    index: RecordIndex
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The plan as decided after the last round, its records, and the variants that are left to render again."""

    plan: Plan
    index: RecordIndex
    left: tuple[Variant, ...] = ()


@dataclass(slots=True)
class GateRounds:
    """gate: None if the job has none, or if it isn't run here. limit: how many pictures the run may render. names:
    of the variants that may be rendered again; None: all. judged, seconds: so far."""

    gate: PictureGate | None
    results: RunResults
    limit: int | None
    names: frozenset[str] | None
    on_event: OnEvent
    judged: int = 0
    seconds: float = 0.0

    @contextmanager
    def measuring_ahead(self, folder: Store) -> Iterator[OnEvent]:
        """Yields what to call with each event instead of `on_event`: delivered pictures are measured meanwhile.

        folder: the campaign's, without retries.
        """
        if self.gate is None:
            yield self.on_event
            return
        with self.gate.measuring_ahead(RetryingStore(folder, RetryPolicy(AHEAD_SECONDS))) as measure:

            def on_event(event: Event) -> None:
                if isinstance(event, VariantRecorded):
                    measure(event.record)
                self.on_event(event)

            yield on_event

    def run(
        self,
        folder: Store,
        plan: Plan,
        index: RecordIndex,
        todo: tuple[Variant, ...],
        render: Callable[[Plan, tuple[Variant, ...]], Rendered],
        stopped: Callable[[], bool],
    ) -> Finished:
        """Renders `todo`, and then what the gate blocks, until it passes or no retry is left.

        render: renders variants of a decided plan. stopped: whether a signal ends the run. Raises StoreError, and what
        `render` raises.
        """
        while True:
            ended = False
            if todo:
                rendered = render(plan, todo)
                plan, index, ended = rendered.plan, rendered.index, rendered.ended
            following = self.next(folder, plan, index, stopped)
            if ended or not following.left:
                return following
            plan, todo = following.plan, following.left

    def next(self, folder: Store, plan: Plan, index: RecordIndex, stopped: Callable[[], bool]) -> Finished:
        """Judges what is rendered, and returns what to render again. Raises StoreError.

        Other runs and people decide at the same time. So the plan is decided again even if nothing was judged here.
        """
        if plan.gate is None:
            return Finished(plan, index)
        has_news = False
        while True:
            has_judged = not stopped() and self.judge(folder, plan, index, stopped)
            before, plan = kept_keys(plan), decided(folder, plan, index.done)
            has_moved = kept_keys(plan) != before
            if has_moved:
                index = read_index(folder, kept_keys(plan), index)
            has_news = has_news or has_judged or has_moved
            if stopped() or self.gate is None or not (has_judged or has_moved):
                break
        # Without news, what is missing has been tried, and trying it again would lead to the same.
        left = self.again(plan, index) if has_news and not stopped() else ()
        if left:
            pictures = "1 picture" if len(left) == 1 else f"{len(left):,} pictures"
            self.on_event(Warned(f"the quality gate blocks {pictures}, to be rendered again with the next seed"))
        return Finished(plan, index, left)

    def judge(self, folder: Store, plan: Plan, index: RecordIndex, stopping: Callable[[], bool]) -> bool:
        """Judges what the gate hasn't judged yet. Returns whether there was anything. Raises StoreError."""
        if plan.gate is None:
            return False
        if self.gate is None:
            self.on_event(Warned("the quality gate isn't run here: pictures that it hasn't judged aren't published"))
            return False
        start = time.perf_counter()
        judged = self.gate.judge(
            folder, plan, index.done, stopping, lambda done, total: self.on_event(Judged(done, total))
        )
        self.judged += judged
        self.seconds += time.perf_counter() - start
        return judged > 0

    def keys(self, plan: Plan) -> frozenset[str] | None:
        """Returns the render keys that the run may render now; None: all."""
        return None if self.names is None else render_keys(one for one in plan.variants if one.name in self.names)

    def again(self, plan: Plan, index: RecordIndex) -> tuple[Variant, ...]:
        """Returns the variants to render again. One that has failed is tried again in the next run."""
        tried = index.done.keys() | index.others.keys()
        allowed = (one for one in missing(plan.variants, tried) if self.names is None or one.name in self.names)
        left = None if self.limit is None else max(0, self.limit - len(self.results))
        return tuple(allowed)[:left]


@dataclass(frozen=True, slots=True)
class GatedCounts:
    """What a gate changes in the counts of a run, which are of pictures. done, skipped: as in `Outcome`. failures: what
    it counts as failed. outcome: for the summary."""

    done: int
    skipped: int
    failures: tuple[Failure, ...]
    outcome: GateOutcome


def gated_counts(plan: Plan, index: RecordIndex, results: RunResults, rounds: GateRounds) -> GatedCounts | None:
    """Returns the counts of a run; None without a gate."""
    gate = plan.gate
    if gate is None:
        return None
    admission = Admission(gate)
    withheld = withheld_pictures(plan.variants, index.done, admission)
    by_key = {one.render_key: withheld.get(one.name) for one in plan.variants}
    outside = {key for key, reason in by_key.items() if reason in ("dropped", "failed")}
    reasons = Counter(by_key.values())
    pictures = (one for one in distinct(plan.variants) if one.render_key in index.done)
    shown = [one for one in pictures if one.name not in withheld]
    verdicts = [verdict for one in shown if (verdict := gate.verdict(one.name)) is not None]
    failed = {
        one.render_key: Failure(one.name, admission.cause(one.name))
        for one in plan.variants
        if withheld.get(one.name) == "failed"
    }
    return GatedCounts(
        done=len((results.done.keys() & by_key.keys()) - outside),
        skipped=len((index.done.keys() & by_key.keys()) - results.keys() - outside),
        failures=tuple(failed.values()),
        outcome=GateOutcome(
            judged=rounds.judged,
            retried=len(results.done.keys() - by_key.keys()),
            warned=sum(one.outcome == "warn" for one in verdicts),
            flagged=sum(gate.is_flagged(one.name) for one in shown),
            dropped=reasons["dropped"],
            failed=len(failed),
            unchecked=reasons["unchecked"],
            review=sum(bool(one.review) for one in verdicts),
            seconds=rounds.seconds,
        ),
    )
