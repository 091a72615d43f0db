"""The driver's loop: feeds a worker pool until everything is recorded, a signal comes or no worker is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.pipeline.deliver.record import Record, record_key
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.cluster_watch import TIMEOUT, ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher, FailedAttempt
from brandpress.pipeline.render.driver.first_pictures import FirstPictures
from brandpress.pipeline.render.driver.gpu_health import GpuHealth
from brandpress.pipeline.render.driver.host_warnings import HostWarnings
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.preflight import refusal_of
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.shared_cause import SharedCause
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.driver.startup import Startup
from brandpress.pipeline.render.driver.worker_clocks import WorkerClocks
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
    WorkerDismissed,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersLoading,
    WorkTime,
)
from brandpress.pipeline.render.pending import describe_pending
from brandpress.pipeline.render.worker.preflight import Preflight

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.worker_pool import WorkerPool

MAX_FAILED_STARTS = 3
"""In a row, without a picture in between."""

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
        self._spending, self._share = spending, share
        self.ended_early: str | None = None
        self.busy_seconds = self.model_seconds = 0.0
        self._pool, self._dispatcher, self._results, self._on_event = worker_pool, dispatcher, results, on_event
        self._deadlines, self._clocks = deadlines, WorkerClocks()
        self._watch, self._preflight = watch, preflight
        self._startup, self._per_gpu = Startup(check_together=check_together), per_gpu
        self._warned: set[str] = set()
        self._handed_out = False
        self._unfit_places = 0
        self._hosts: dict[str, str] | None = {} if check_together else None  # workers' machines, if there are several
        self._loaded: set[str] = set()
        self._gpu_health = GpuHealth(gpus, per_gpu)
        self._started_variants: dict[str, Variant] = {}
        self._host_warnings = HostWarnings(compiles=compiles, gpus=gpus > 0)
        self._first_pictures = FirstPictures(broken_model)
        self._shared_cause = shared_cause or SharedCause()
        self._more = more
        self._target_workers = 0
        self._parked: set[str] = set()
        self._stopped = False
        self._failed_starts = 0
        self._last_cause = ""

    @property
    def outside_model(self) -> float | None:
        """The share of the workers' busy time spent outside the model; None if they were never busy."""
        return max(0.0, 1 - self.model_seconds / self.busy_seconds) if self.busy_seconds else None

    def run(self, workers: int, stop_requested: Callable[[], bool]) -> None:
        """Starts all workers together and renders until the end.

        Raises NothingRenderedError if no model loads, if a node lacks something before anything has been rendered, or
        if the first pictures are all unusable, or the first variants all fail for the same reason.
        """
        self._target_workers = workers
        for _ in range(workers):
            self._start()
        while self._has_work() and len(self._pool) > len(self._parked):
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

    def _start(self) -> None:
        self._startup.start(self._pool.start(), time.monotonic())

    def _follow_budget(self) -> None:
        """Stops the run if its budget is spent, or if the next picture would exceed it."""
        if self._spending is None or self._stopped:
            return
        idle = self._dispatcher.all_idle and not self._results.writing
        if self._spending.exhausted or (idle and self._dispatcher.waiting and self._room() == 0):
            self.budget_reached = True
            self._stop(budget=self._spending.limits)

    def _room(self) -> int | None:
        """How many more variants the budget allows to hand out; None without a limit."""
        return self._spending.room(self._dispatcher.in_flight, len(self._loaded)) if self._spending else None

    def _stop(self, cause: str | None = None, budget: str | None = None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._on_event(Stopping(cause, budget))
        for worker in self._pool.names():
            if worker not in self._loaded:
                self._dismiss(worker)
        self._parked.clear()
        self._pool.stop()

    def _handle(self, worker: str, message: Message) -> None:
        if worker not in self._pool:  # sent before the worker was dismissed
            return
        received = time.monotonic()
        now = self._clocks.local(worker, getattr(message, "at", None), received)
        match message:
            case WorkerRunning(hostname=hostname):
                if self._hosts is not None:
                    self._hosts[worker] = hostname
                self._startup.run(worker)
                if worker not in self._parked:
                    self._on_event(message)
                    self._deadlines.start_loading(worker, now)
            case NodeChecked():
                self._startup.remove(worker)
                self._top_up_all()
            case Warned(text):
                if text not in self._warned:
                    self._warned.add(text)
                    self._on_event(message)
            case WorkerLoaded(node=node, gpus=gpus):
                self._gpu_health.place(worker, node, gpus)
                refusal = (
                    refusal_of(message, self._preflight, self._results.weights_digest) if self._preflight else None
                )
                if refusal is not None:
                    self._handle_unfit(WorkerLost(worker, refusal, Loss.NODE_UNFIT))
                elif self._gpu_health.is_retired(worker):
                    self._park(worker)
                else:
                    self._use(message)
            case WorkerLost(loss=Loss.NODE_UNFIT):
                self._handle_unfit(message)
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
                self._handle_record(worker, record, expected_key or record.render_key, now, unusable=unusable)
                self._first_pictures.count_recorded(record, unusable=unusable)
            case WorkTime(busy, model):
                self.busy_seconds += busy
                self.model_seconds += model
                self._on_event(replace(message, worker=worker))
                if self._spending is not None:
                    self._spending.add_work(worker, busy)

    def _use(self, loaded: WorkerLoaded) -> None:
        """Gives work to a worker that has loaded its model, and warns if it can't compile or use its GPU."""
        worker = loaded.worker
        self._loaded.add(worker)
        self._startup.remove(worker)
        self._deadlines.finish_loading(worker, time.monotonic())
        if loaded.host.get("residency") == RECORDED_RESIDENCY["offload"]:
            self._dispatcher.set_offloading(worker)
        self._on_event(loaded)
        for warning in self._host_warnings.of(loaded.host):
            self._warn(warning)
        if self._spending is not None:
            device = loaded.host.get("device", "")
            if price_warning := self._spending.add_worker(worker, device, loaded.seconds, self._share):
                self._handle(worker, Warned(price_warning))
        self._top_up(worker)

    def _park(self, worker: str) -> None:
        """Keeps a worker idle on a retired GPU for the rest of the run, so that Ray assigns that GPU to no other
        worker, and starts another one."""
        self._forget(worker)
        self._parked.add(worker)
        self._on_event(WorkerDismissed(worker))
        self._start_on_healthy_gpu()

    def _start_on_healthy_gpu(self) -> None:
        """Starts a worker if variants wait and a healthy GPU has room."""
        healthy = sum(not self._gpu_health.is_retired(worker) for worker in self._pool.names())
        max_workers = self._gpu_health.max_workers(self._target_workers)
        if not self._stopped and self._dispatcher.waiting and healthy < max_workers:
            self._start()

    def _handle_unfit(self, lost: WorkerLost) -> None:
        """Ends the run if nothing has been handed out yet; otherwise it continues on the other nodes.

        The worker's process stays if there is one, so that Ray starts no other one in its place.
        """
        self._forget(lost.worker)
        alive = lost.worker in self._pool
        if self._stopped:
            if alive:
                self._pool.dismiss(lost.worker)
            return
        if not self._handed_out:
            raise NothingRenderedError(lost.cause)
        self._on_event(lost)
        self._last_cause = lost.cause
        if alive:
            self._pool.park(lost.worker)
            self._parked.add(lost.worker)
        else:
            self._unfit_places += 1
            self._target_workers = max(1, self._target_workers - 1)

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
        self._failed_starts = 0
        if record.status == "done":
            self._gpu_health.reset_losses(worker)
            self._count_delivered()
        self._finish(worker, expected_key, record)
        if record.status != "done" and not unusable:
            self._count_failures((planned,), record.cause or "")
        self._top_up(worker)
        if self._room() is not None:
            self._top_up_all()  # others may have waited for what this picture leaves of the budget

    def _finish(self, worker: str, render_key: str, record: Record) -> None:
        self._dispatcher.finish(worker, render_key)
        self._results.add(record)
        if self._spending is not None:
            self._spending.add_record(record)
        self._on_event(VariantRecorded(record, worker=worker))

    def _finish_delivered(self, worker: str) -> None:
        """Takes up what a lost worker has delivered without reporting it, so that it isn't rendered again."""
        for record in self._results.delivered(self._dispatcher.held_by(worker)):
            self._started_variants.pop(record.render_key, None)
            self._finish(worker, record.render_key, record)

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
        if self._stopped or self._startup.holds_work_back(time.monotonic()):
            return
        if self._shared_cause.is_possible and self._dispatcher.groups_of(worker) >= FIRST_GROUPS:
            return
        while variants := self._dispatcher.take(worker, self._room()):
            self._handed_out = True
            self._startup.release()
            self._pool.submit(worker, variants)
            self._on_event(GroupSubmitted(worker, len(variants)))
        if self._room() == 0:
            return
        starting = set(self._pool.names()) - self._parked - self._loaded - set(self._startup.pending)
        if self._dispatcher.needs_fresh_worker(worker) and not starting:
            self._dismiss(worker)
            self._dispatcher.lose(worker)
            self._start()

    def _top_up_all(self) -> None:
        for worker in sorted(self._loaded):
            if worker in self._loaded:  # a used worker may be replaced meanwhile
                self._top_up(worker)

    def _follow_cluster(self) -> None:
        """Tells that workers wait for resources, and starts more or fewer of them as GPUs come and go."""
        now = time.monotonic()
        if self._watch is None or self._stopped:
            return
        if not self._handed_out:
            self._top_up_all()  # a worker that was awaited may turn out to wait for resources itself
        if self._startup.notice_due(now):
            self._on_event(self._watch.pending_event(len(self._startup.pending)))
        self._tell_loading(now)
        if self._startup.starved_seconds(len(self._pool) - len(self._parked), now) > self._watch.timeout:
            waiting = describe_pending(self._watch.pending_event(len(self._startup.pending)))
            self._last_cause = f"{waiting}; {TIMEOUT} ({self._watch.timeout:g} s) is over"
            for worker in self._startup.pending:
                self._dismiss(worker)
            return
        gpus = self._watch.room(now)
        if gpus is not None:
            self._fit_to(gpus)

    def _tell_loading(self, now: float) -> None:
        """Tells that workers load the model, as long as none has it: after that, pictures show that the run goes on."""
        loading = 0 if self._loaded else len(self._pool) - len(self._startup.pending) - len(self._parked)
        if (seconds := self._startup.loading_seconds(loading, now)) is not None:
            self._on_event(WorkersLoading(loading, seconds))

    def _fit_to(self, gpus: int) -> None:
        """Starts workers for GPUs that have joined while variants wait, and withdraws pending ones that have none."""
        self._gpu_health.resize(gpus)
        self._target_workers = max(1, gpus * self._per_gpu - self._unfit_places)
        self._dispatcher.expect(max(2, self._target_workers))
        before = -1
        while before != len(self._pool) and len(self._startup.pending) < self._dispatcher.waiting:
            before = len(self._pool)
            if self._failed_starts < MAX_FAILED_STARTS:
                self._start_on_healthy_gpu()
        surplus = len(self._pool) - self._target_workers
        for worker in self._startup.pending[::-1][: max(0, surplus)]:
            self._dismiss(worker)

    def _dismiss(self, worker: str) -> None:
        self._pool.dismiss(worker)
        self._forget(worker)
        self._on_event(WorkerDismissed(worker))

    def _warn(self, text: str) -> None:
        self._on_event(Warned(text))

    def _dismiss_overdue(self) -> None:
        for worker, limit in self._deadlines.overdue(time.monotonic()):
            self._pool.dismiss(worker)
            self._handle_loss(WorkerLost(worker, f"it made no progress within {limit:,.0f} s"))

    def _handle_loss(self, lost: WorkerLost) -> None:
        worker = lost.worker
        if worker in self._parked:
            self._parked.discard(worker)
            return
        if lost.loss is Loss.NODE_UNFIT:
            self._handle_unfit(lost)
            return
        if lost.loss in (Loss.LOAD_FAILED, Loss.LOAD_REFUSED):
            host = (self._hosts or {}).get(worker)
            self._handle_failed_start(replace(lost, cause=f"{lost.cause} (on node {host})") if host else lost)
            return
        loaded = worker in self._loaded
        self._forget(worker)
        if not loaded:
            if not self._stopped:
                specific = not lost.cause.startswith(("it ", "its "))
                text = lost.cause if specific else f"{lost.cause} while it loaded the model"
                self._handle_failed_start(replace(lost, cause=text))
            return
        if self._stopped and lost.loss is Loss.ENDED:
            return
        self._on_event(lost)
        if not self._dispatcher.holds_work(worker):
            self._failed_starts += 1
        self._finish_delivered(worker)
        attempts = self._dispatcher.lose(worker, node=lost.loss is Loss.NODE_LOST)
        self._record_attempts(
            attempts, Cause(f"its worker was lost while it was rendered: {lost.cause}", lost.traceback)
        )
        if lost.loss is not Loss.NODE_LOST:
            self._count_failures((attempt.variant for attempt in attempts), lost.cause)
        if lost.loss is Loss.FAILED and (warning := self._gpu_health.count_loss(worker)) is not None:
            self._on_event(Warned(warning))
        self._replace(lost.cause)

    def _record_attempts(self, attempts: Sequence[FailedAttempt], cause: Cause) -> None:
        """Starts to record failed attempts. Their variants are held back until then, so that none is lost if the next
        attempt ends the driver."""
        for attempt in attempts:
            self._dispatcher.hold(attempt.variant.render_key)
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

    def _handle_failed_start(self, lost: WorkerLost) -> None:
        self._forget(lost.worker)
        self._on_event(lost)
        if lost.loss is not Loss.NODE_LOST:
            self._failed_starts = MAX_FAILED_STARTS if lost.loss is Loss.LOAD_REFUSED else self._failed_starts + 1
        self._replace(lost.cause)

    def _replace(self, cause: str) -> None:
        """Starts another worker after a loss, unless too many starts have failed, and redistributes the work."""
        self._last_cause = cause
        if self._stopped:
            return
        if self._failed_starts >= MAX_FAILED_STARTS:
            self._dispatcher.allow_used_workers()
        else:
            self._start_on_healthy_gpu()
        self._top_up_all()

    def _forget(self, worker: str) -> None:
        self._loaded.discard(worker)
        self._startup.remove(worker)
        self._clocks.remove(worker)
        self._deadlines.remove(worker)

    def _give_up(self) -> None:
        if not self._results:
            raise NothingRenderedError(f"no worker could start: {self._last_cause}")
        cause = f"not tried, because no worker could be started: {self._last_cause}"
        self.untried = tuple(Failure(variant.name, cause) for variant in self._dispatcher.drain())
