"""The driver's loop: feeds a worker pool until everything is recorded, a signal comes or no worker is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.pipeline.deliver.record import Record, record_key
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.cluster_watch import ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher, FailedAttempt
from brandpress.pipeline.render.driver.first_pictures import FirstPictures
from brandpress.pipeline.render.driver.host_warnings import HostWarnings
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.preflight import refusal_of
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.shared_cause import SharedCause
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.driver.worker_fleet import WorkerFleet
from brandpress.pipeline.render.events import (
    GroupSubmitted,
    Loss,
    Message,
    NodeChecked,
    OnEvent,
    RendererBlocked,
    Stopping,
    StoreBlocked,
    StoreWait,
    VariantOutOfMemory,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkTime,
)
from brandpress.pipeline.render.worker.preflight import Preflight

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.worker_pool import WorkerPool

FIRST_GROUPS = 3
"""How many groups a worker may have until the first picture is delivered: variants that all fail do so quickly."""

POLL_SECONDS = 0.2
STALL_SECONDS = 1.0
"""If handling messages takes longer, others may have arrived meanwhile, so nobody is judged by what is known."""


class DriverLoop:
    """One run over a worker pool.

    Afterwards `untried` holds variants that no worker was left for, `blocked` the store's error if it rejected all
    writes, `ended_early` the cause if the renderer refused all further variants, `busy_seconds` and `model_seconds` the
    workers' times, and `budget_reached` whether the budget ended it.
    """

    def __init__(
        self,
        worker_pool: WorkerPool,
        dispatcher: Dispatcher,
        results: RunResults,
        deadlines: Deadlines,
        on_event: OnEvent,
        *,
        compiles: bool | None = False,
        gpus: int = 0,
        per_gpu: int = 1,
        recorded: Callable[[], Set[str]] = frozenset,
        broken_model: str = "the model's weights are broken",
        watch: ClusterWatch | None = None,
        preflight: Preflight | None = None,
        check_together: bool = False,
        spending: Spending | None = None,
        share: float = 1.0,
        shared_cause: SharedCause | None = None,
        more: Callable[[], Iterable[Variant]] = tuple,
    ) -> None:
        """compiles: whether workers should compile kernels; None: only on GPUs. gpus, per_gpu: see `GpuHealth`.
        recorded: returns render keys that other runs have recorded; must not block. broken_model: the end of the error
        if the first pictures are all unusable.

        The loop warns once if a worker can't compile or use its GPU. watch: the cluster; None: it isn't followed.
        preflight: what workers are compared with; None: nothing. check_together: see `Startup`. spending: the budget;
        None: there is none. share: a worker's part of a device. shared_cause: knows the run's variants.
        more: called when everything is rendered, while the workers wait; returns what else to render.
        """
        self.untried: tuple[Failure, ...] = ()
        self.recorded_elsewhere = 0
        self._recorded = recorded
        self.blocked: str | None = None
        self.budget_reached = False
        self._spending, self._share = spending or Spending(None, read_prices()), share
        self.ended_early: str | None = None
        self.busy_seconds = self.model_seconds = 0.0
        self._pool, self._dispatcher, self._results, self._on_event = worker_pool, dispatcher, results, on_event
        self._deadlines, self._preflight = deadlines, preflight
        self._fleet = WorkerFleet(
            worker_pool,
            dispatcher,
            deadlines,
            on_event,
            gpus=gpus,
            per_gpu=per_gpu,
            watch=watch,
            check_together=check_together,
        )
        self._warned: set[str] = set()
        self._started_variants: dict[str, Variant] = {}
        self._host_warnings = HostWarnings(compiles=compiles, gpus=gpus > 0)
        self._first_pictures = FirstPictures(broken_model)
        self._shared_cause = shared_cause or SharedCause()
        self._more = more
        self._stopped = False

    def run(self, workers: int, stop_requested: Callable[[], bool]) -> None:
        """Starts all workers together and renders until the end.

        Raises NothingRenderedError if no model loads, if a node lacks something before anything has been rendered, or
        if the first pictures are all unusable, or the first variants all fail for the same reason.
        """
        self._fleet.start(workers)
        while self._has_work() and self._fleet.can_work:
            if stop_requested():
                self._stop()
            self._follow_budget()
            self.recorded_elsewhere += self._dispatcher.drop(self._recorded())
            self._collect_records()
            arrived = self._pool.wait(POLL_SECONDS) if self._expects_messages() else []
            received_at = time.monotonic()
            for worker, received in arrived:
                if isinstance(received, WorkerLost):
                    self._handle_loss(received)
                else:
                    for message in received:
                        self._handle(worker, message)
            if time.monotonic() - received_at < STALL_SECONDS:
                self._dismiss_overdue()
            self._follow_cluster()
        self._collect_records(None)
        if not self._dispatcher.finished and not self._stopped:
            self._give_up()

    def _has_work(self) -> bool:
        """Whether variants are left to render. Asks for more once all are rendered."""
        if not self._dispatcher.finished:
            return True
        more = () if self._stopped else tuple(self._more())
        self._dispatcher.add(more)
        if more:
            self._top_up_all()
        return bool(more)

    def _expects_messages(self) -> bool:
        """Whether workers may report something: not if the rest waits for the records of failed attempts."""
        return len(self._pool) > 0 and not (self._results.writing and self._dispatcher.all_idle)

    def _follow_budget(self) -> None:
        """Stops the run if its budget is spent, or if the next picture would exceed it."""
        if self._stopped:
            return
        idle = self._dispatcher.all_idle and not self._results.writing
        if self._spending.exhausted or (idle and self._dispatcher.waiting and self._room() == 0):
            self.budget_reached = True
            self._stop(budget=self._spending.limits)

    def _room(self) -> int | None:
        """How many more variants the budget allows to hand out; None without a limit."""
        return self._spending.room(self._dispatcher.in_flight, len(self._fleet.loaded))

    def _stop(self, cause: str | None = None, budget: str | None = None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._on_event(Stopping(cause, budget))
        self._fleet.stop()

    def _handle(self, worker: str, message: Message) -> None:
        if worker not in self._pool:  # sent before the worker was dismissed
            return
        received = time.monotonic()
        now = self._fleet.clocks.local(worker, getattr(message, "at", None), received)
        match message:
            case WorkerRunning(hostname=hostname):
                self._fleet.run(worker, hostname)
                if worker not in self._fleet.parked:
                    self._on_event(message)
                    self._deadlines.start_loading(worker, now)
                    self._spending.begin(worker, now, self._share)
            case NodeChecked():
                self._fleet.pass_check(worker)
                self._top_up_all()
            case Warned(text):
                if text not in self._warned:
                    self._warned.add(text)
                    self._on_event(message)
            case WorkerLoaded(node=node, gpus=gpus):
                usable = self._fleet.place(worker, node, gpus)
                refusal = (
                    refusal_of(message, self._preflight, self._results.weights_digest) if self._preflight else None
                )
                if refusal is not None:
                    self._fleet.lose_unfit(WorkerLost(worker, refusal, Loss.NODE_UNFIT))
                elif usable:
                    self._use(message)
                else:
                    self._fleet.park(worker)
            case WorkerLost(loss=Loss.NODE_UNFIT):
                self._fleet.lose_unfit(message)
            case WorkerLost():
                self._pool.dismiss(worker)
                self._handle_loss(message)
            case VariantStarted(render_key=render_key):
                variant = self._dispatcher.start(worker, render_key)
                if variant is not None:
                    self._started_variants[render_key] = variant
                    self._deadlines.start(worker, variant, now)
                    self._on_event(replace(message, worker=worker))
                self._top_up(worker)
            case VariantRendered(render_key):
                self._first_pictures.count_usable()
                self._shared_cause.count_rendered(render_key)
                self._dispatcher.finish_rendering(worker, render_key)
                self._deadlines.finish(worker, render_key, now)
                self._on_event(replace(message, worker=worker))
            case StoreWait(waiting):
                self._deadlines.set_waiting(worker, waiting, now)
                self._on_event(replace(message, worker=worker))
            case VariantOutOfMemory(render_key, cause):
                self._deadlines.finish(worker, render_key, now)
                self._on_event(replace(message, worker=worker))
                attempt = self._dispatcher.set_aside_out_of_memory(worker, render_key)
                self._record_attempts((attempt,) if attempt else (), cause)
                self._count_failures((attempt.variant,) if attempt else (), cause.text)
                self._top_up(worker)
            case StoreBlocked(render_key, error):
                self._deadlines.finish(worker, render_key, now)
                self._dispatcher.finish(worker, render_key)
                self.blocked = self.blocked or error
                self._stop(error)
            case RendererBlocked(render_key, cause):
                self._deadlines.finish(worker, render_key, now)
                self._dispatcher.finish(worker, render_key)
                self.ended_early = self.ended_early or cause
                self._stop(cause)
            case VariantRecorded(record, unusable, expected_key):
                key = expected_key or record.render_key
                if self._is_of_killed_run(worker, record, key):
                    self._handle_found(worker, record, key)
                else:
                    self._handle_record(worker, record, key, now, unusable=unusable)
                    self._first_pictures.count_recorded(record, unusable=unusable)
            case WorkTime(busy, model):
                self.busy_seconds += busy
                self.model_seconds += model
                self._on_event(replace(message, worker=worker))
                self._spending.add_work(worker, busy, now)

    def _use(self, loaded: WorkerLoaded) -> None:
        """Gives work to a worker that has loaded its model, and warns if it can't compile or use its GPU."""
        worker = loaded.worker
        self._fleet.use(worker)
        if loaded.host.get("residency") == RECORDED_RESIDENCY["offload"]:
            self._dispatcher.set_offloading(worker)
        self._on_event(loaded)
        for warning in self._host_warnings.of(loaded.host):
            self._warn(warning)
        device = loaded.host.get("device", "")
        if price_warning := self._spending.add_worker(worker, device, loaded.seconds, self._share):
            self._handle(worker, Warned(price_warning))
        self._top_up(worker)

    def _is_of_killed_run(self, worker: str, record: Record, key: str) -> bool:
        """Whether a worker has found a picture in the store that none of this run's has rendered."""
        is_asked_for = record.render_key == key and self._dispatcher.holds(worker, key) is not None
        is_found = record.status == "done" and key not in self._started_variants
        return is_asked_for and is_found and self._dispatcher.is_inherited(key)

    def _handle_found(self, worker: str, record: Record, render_key: str) -> None:
        """A picture of a killed run costs this run nothing, and says nothing about its model, workers and GPUs."""
        self._finish(worker, render_key, record, is_new=False)
        self._top_up_all()

    def _handle_record(self, worker: str, record: Record, expected_key: str, now: float, *, unusable: bool) -> None:
        planned = self._dispatcher.holds(worker, expected_key)
        if planned is None:
            self._warn(f"{worker} reported {record.name}, which it wasn't given; the report is ignored")
            return
        if record.render_key != expected_key:
            record = self._results.new_failure(
                planned,
                f"the store has the record of another variant, {record.name}, at {record_key(expected_key)}; "
                "move that file away and run again",
            )
        variant = self._started_variants.pop(expected_key, None)
        if variant is not None and "model" in record.timings:
            self._deadlines.measure(variant, record.timings["model"])
        self._deadlines.finish(worker, expected_key, now)
        self._fleet.count_record(worker, done=record.status == "done")
        if record.status == "done":
            self._count_delivered()
        self._finish(worker, expected_key, record)
        if record.status != "done" and not unusable:
            self._count_failures((planned,), record.cause or "")
        self._top_up(worker)
        if self._room() is not None:
            self._top_up_all()  # others may have waited for what this picture leaves of the budget

    def _finish(self, worker: str, render_key: str, record: Record, *, is_new: bool = True) -> None:
        self._dispatcher.finish(worker, render_key)
        self._results.add(record, is_new=is_new)
        if is_new:
            self._spending.add_record(record)
        self._on_event(VariantRecorded(record, worker=worker))

    def _count_delivered(self) -> None:
        if self._shared_cause.is_possible:
            self._shared_cause.count_delivered()
            self._top_up_all()

    def _count_failures(self, variants: Iterable[Variant], cause: str) -> None:
        """Counts failures of one cause. If the others would fail for it, too, ends the run; if they might, has variants
        tried early that show it. Raises NothingRenderedError."""
        for variant in variants:
            self._shared_cause.count_failure(variant, cause)
        conclusion = self._shared_cause.conclusion
        if conclusion is not None and self._dispatcher.waiting and not self._stopped:
            others = self._dispatcher.waiting
            raise NothingRenderedError(f"{conclusion}; the run ends, and {others:,} more weren't tried")
        if self._shared_cause.wants_others:
            self._dispatcher.hasten(self._shared_cause.is_another)

    def _top_up(self, worker: str) -> None:
        """Submits groups to `worker` while it has room, or replaces it if the rest needs a fresh worker."""
        if self._stopped or self._fleet.holds_work_back():
            return
        if self._shared_cause.is_possible and self._dispatcher.groups_of(worker) >= FIRST_GROUPS:
            return
        if not self._dispatcher.holds_work(worker):
            self._spending.begin(worker, time.monotonic(), self._share)
        while variants := self._dispatcher.take(worker, self._room()):
            self._fleet.begin_work()
            self._pool.submit(worker, variants, self._dispatcher.maybe_delivered(variants))
            self._on_event(GroupSubmitted(worker, len(variants)))
        if self._room() != 0:
            self._fleet.refresh(worker)

    def _top_up_all(self) -> None:
        for worker in sorted(self._fleet.loaded):
            if worker in self._fleet.loaded:  # a used worker may be replaced meanwhile
                self._top_up(worker)

    def _follow_cluster(self) -> None:
        if not self._fleet.has_worked:
            self._top_up_all()  # a worker that was awaited may turn out to wait for resources itself
        self._fleet.follow_cluster()

    def _warn(self, text: str) -> None:
        self._on_event(Warned(text))

    def _dismiss_overdue(self) -> None:
        for worker, limit in self._deadlines.overdue(time.monotonic()):
            self._pool.dismiss(worker)
            self._handle_loss(WorkerLost(worker, f"it made no progress within {limit:,.0f} s"))

    def _handle_loss(self, lost: WorkerLost) -> None:
        worker = lost.worker
        if worker in self._fleet.parked:
            self._fleet.parked.discard(worker)
            return
        if lost.loss is Loss.NODE_UNFIT:
            self._fleet.lose_unfit(lost)
            return
        if worker not in self._fleet.loaded or lost.loss in (Loss.LOAD_FAILED, Loss.LOAD_REFUSED):
            self._spending.add_lost_time(worker, time.monotonic())
            self._fleet.lose_at_start(lost)
            self._top_up_all()
            return
        self._fleet.forget(worker)
        if self._stopped and lost.loss is Loss.ENDED:
            return
        self._on_event(lost)
        idle = not self._dispatcher.holds_work(worker)
        if not idle:
            self._spending.add_lost_time(worker, time.monotonic())
        attempts = self._dispatcher.lose(worker, node=lost.loss is Loss.NODE_LOST)
        self._record_attempts(
            attempts, Cause(f"its worker was lost while it was rendered: {lost.cause}", lost.traceback)
        )
        if lost.loss is not Loss.NODE_LOST:
            self._count_failures((attempt.variant for attempt in attempts), lost.cause)
        self._fleet.lose_at_work(lost, idle=idle)
        self._top_up_all()

    def _record_attempts(self, attempts: Sequence[FailedAttempt], cause: Cause) -> None:
        """Starts to record failed attempts. Their variants are held back until then, so that none is lost if the next
        attempt ends the driver."""
        for attempt in attempts:
            self._dispatcher.hold(attempt.variant.render_key)
            if attempt.given_up:
                self._spending.add_given_up()
        self._results.start_recording(attempts, cause)

    def _collect_records(self, seconds: float | None = 0.0) -> None:
        """Takes up failed attempts that have been recorded; waits for the rest if nothing else can happen."""
        if not self._results.writing:
            return
        if seconds is not None and self._dispatcher.all_idle:
            seconds = POLL_SECONDS
        recorded = self._results.recorded(seconds)
        for attempt, record in recorded:
            self._dispatcher.release(attempt.variant.render_key)
            if attempt.given_up:
                self._on_event(VariantRecorded(record))
        if recorded:
            self._top_up_all()

    def _give_up(self) -> None:
        if not self._results:
            raise NothingRenderedError(f"no worker could start: {self._fleet.last_cause}")
        cause = f"not tried, because no worker could be started: {self._fleet.last_cause}"
        self.untried = tuple(Failure(variant.name, cause) for variant in self._dispatcher.drain())
