"""Which workers a run has: starts, parks, replaces and dismisses them as they fail, and as GPUs come and go."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from brandpress.pipeline.render.driver.cluster_watch import TIMEOUT, ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher
from brandpress.pipeline.render.driver.gpu_health import GpuHealth
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.startup import Startup
from brandpress.pipeline.render.driver.worker_clocks import WorkerClocks
from brandpress.pipeline.render.events import Loss, OnEvent, Warned, WorkerDismissed, WorkerLost, WorkersLoading
from brandpress.pipeline.render.pending import describe_starved

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.worker_pool import WorkerPool

MAX_FAILED_STARTS = 3
"""In a row, without a picture in between."""


class WorkerFleet:
    """The workers of one run.

    `loaded` are those that render, `parked` those that only keep their place, so that Ray gives it to no other worker.
    `has_worked` is whether any has been given work. `last_cause` says why the last one was lost.
    """

    def __init__(
        self,
        pool: WorkerPool,
        dispatcher: Dispatcher,
        deadlines: Deadlines,
        on_event: OnEvent,
        *,
        gpus: int = 0,
        per_gpu: int = 1,
        watch: ClusterWatch | None = None,
        check_together: bool = False,
    ) -> None:
        """gpus, per_gpu: see `GpuHealth`. watch: the cluster; None: it isn't followed. check_together: see
        `Startup`."""
        self.loaded: set[str] = set()
        self.parked: set[str] = set()
        self.has_worked = False
        self.last_cause = ""
        self.clocks = WorkerClocks()
        self._pool, self._dispatcher, self._deadlines, self._on_event = pool, dispatcher, deadlines, on_event
        self._health, self._per_gpu, self._watch = GpuHealth(gpus, per_gpu), per_gpu, watch
        self._startup = Startup(check_together=check_together)
        self._hosts: dict[str, str] | None = {} if check_together else None  # workers' machines, if there are several
        self._target_workers = 0
        self._unfit_places = 0
        self._failed_starts = 0
        self._stopped = False

    @property
    def can_work(self) -> bool:
        """Whether a worker is left that renders or may come to."""
        return len(self._pool) > len(self.parked)

    def start(self, workers: int) -> None:
        """Starts all workers together."""
        self._target_workers = workers
        for _ in range(workers):
            self._start()

    def stop(self) -> None:
        """Asks the workers to end after their current pictures, and starts no more."""
        self._stopped = True
        for worker in self._pool.names():
            if worker not in self.loaded:
                self.dismiss(worker)
        self.parked.clear()
        self._pool.stop()

    def run(self, worker: str, hostname: str) -> None:
        """The process of `worker` runs."""
        if self._hosts is not None:
            self._hosts[worker] = hostname
        self._startup.run(worker)

    def pass_check(self, worker: str) -> None:
        """The node of `worker` has what the run needs."""
        self._startup.remove(worker)

    def place(self, worker: str, node: str, gpu: str) -> bool:
        """Notes where `worker` has loaded its model. Returns whether it can be used: its GPU isn't retired."""
        self._health.place(worker, node, gpu)
        return not self._health.is_retired(worker)

    def use(self, worker: str) -> None:
        """`worker` renders from now on."""
        self.loaded.add(worker)
        self._startup.remove(worker)
        self._deadlines.finish_loading(worker, time.monotonic())

    def holds_work_back(self) -> bool:
        """Whether no work may be handed out yet, because other workers still check their nodes."""
        return self._startup.holds_work_back(time.monotonic())

    def begin_work(self) -> None:
        """Work has been handed out."""
        self.has_worked = True
        self._startup.release()

    def count_record(self, worker: str, *, done: bool) -> None:
        """Counts an answer of `worker`, which shows that workers can start, and a picture, that its GPU works."""
        self._failed_starts = 0
        if done:
            self._health.reset_losses(worker)

    def dismiss(self, worker: str) -> None:
        """Ends `worker`, of which no more is wanted."""
        self._pool.dismiss(worker)
        self.forget(worker)
        self._on_event(WorkerDismissed(worker))

    def forget(self, worker: str) -> None:
        """`worker` renders no more."""
        self.loaded.discard(worker)
        self._startup.remove(worker)
        self.clocks.remove(worker)
        self._deadlines.remove(worker)

    def refresh(self, worker: str) -> None:
        """Replaces an idle worker by a fresh one if the rest of the work needs that, unless one is starting."""
        starting = set(self._pool.names()) - self.parked - self.loaded - set(self._startup.pending)
        if self._dispatcher.needs_fresh_worker(worker) and not starting:
            self.dismiss(worker)
            self._dispatcher.lose(worker)
            self._start()

    def park(self, worker: str) -> None:
        """Keeps a worker idle on a retired GPU for the rest of the run, so that Ray assigns that GPU to no other
        worker, and starts another one."""
        self.forget(worker)
        self.parked.add(worker)
        self._on_event(WorkerDismissed(worker))
        self._start_on_healthy_gpu()

    def lose_unfit(self, lost: WorkerLost) -> None:
        """A node lacks something that the run needs. Raises NothingRenderedError if nothing has been handed out yet;
        otherwise the run continues on the other nodes.

        The worker's process stays if there is one, so that Ray starts no other one in its place.
        """
        self.forget(lost.worker)
        alive = lost.worker in self._pool
        if self._stopped:
            if alive:
                self._pool.dismiss(lost.worker)
            return
        if not self.has_worked:
            raise NothingRenderedError(lost.cause)
        self._on_event(lost)
        self.last_cause = lost.cause
        if alive:
            self._pool.park(lost.worker)
            self.parked.add(lost.worker)
        else:
            self._unfit_places += 1
            self._target_workers = max(1, self._target_workers - 1)

    def lose_at_start(self, lost: WorkerLost) -> None:
        """A worker has been lost before it had loaded its model."""
        self.forget(lost.worker)
        if self._stopped and lost.loss not in (Loss.LOAD_FAILED, Loss.LOAD_REFUSED):
            return
        self._on_event(replace(lost, cause=self._start_cause(lost)))
        if lost.loss is not Loss.NODE_LOST:
            self._failed_starts = MAX_FAILED_STARTS if lost.loss is Loss.LOAD_REFUSED else self._failed_starts + 1
        self._replace(self._start_cause(lost))

    def _start_cause(self, lost: WorkerLost) -> str:
        if lost.loss in (Loss.LOAD_FAILED, Loss.LOAD_REFUSED):
            host = (self._hosts or {}).get(lost.worker)
            return f"{lost.cause} (on node {host})" if host else lost.cause
        is_specific = not lost.cause.startswith(("it ", "its "))
        return lost.cause if is_specific else f"{lost.cause} while it loaded the model"

    def lose_at_work(self, lost: WorkerLost, *, idle: bool) -> None:
        """A worker that had loaded its model has been lost. idle: it had no variants to render."""
        if idle:
            self._failed_starts += 1
        if lost.loss is Loss.FAILED and (warning := self._health.count_loss(lost.worker)) is not None:
            self._on_event(Warned(warning))
        self._replace(lost.cause)

    def follow_cluster(self) -> None:
        """Reports that workers wait for resources, and starts more or fewer of them as GPUs come and go."""
        now = time.monotonic()
        if self._watch is None or self._stopped:
            return
        if self._startup.notice_due(now):
            self._on_event(self._watch.pending_event(len(self._startup.pending)))
        self._report_loading(now)
        if self._startup.starved_seconds(len(self._pool) - len(self.parked), now) > self._watch.timeout:
            waiting = describe_starved(self._watch.pending_event(len(self._startup.pending)))
            self.last_cause = f"{waiting}; {TIMEOUT} ({self._watch.timeout:g} s) is over"
            for worker in self._startup.pending:
                self.dismiss(worker)
            return
        gpus = self._watch.room(now)
        if gpus is not None:
            self._fit_to(gpus)

    def _report_loading(self, now: float) -> None:
        """Reports that workers load the model, until one has: from then on, pictures show that the run goes on."""
        loading = 0 if self.loaded else len(self._pool) - len(self._startup.pending) - len(self.parked)
        if (seconds := self._startup.loading_seconds(loading, now)) is not None:
            self._on_event(WorkersLoading(loading, seconds))

    def _fit_to(self, gpus: int) -> None:
        """Starts workers for GPUs that have joined while variants wait, and withdraws pending ones that have none."""
        self._health.resize(gpus)
        self._target_workers = max(1, gpus * self._per_gpu - self._unfit_places)
        self._dispatcher.expect(max(2, self._target_workers))
        before = -1
        while before != len(self._pool) and len(self._startup.pending) < self._dispatcher.waiting:
            before = len(self._pool)
            if self._failed_starts < MAX_FAILED_STARTS:
                self._start_on_healthy_gpu()
        surplus = len(self._pool) - self._target_workers
        for worker in self._startup.pending[::-1][: max(0, surplus)]:
            self.dismiss(worker)

    def _replace(self, cause: str) -> None:
        """Starts another worker after a loss, unless too many starts have failed."""
        self.last_cause = cause
        if self._stopped:
            return
        if self._failed_starts >= MAX_FAILED_STARTS:
            self._dispatcher.allow_used_workers()
        else:
            self._start_on_healthy_gpu()

    def _start_on_healthy_gpu(self) -> None:
        """Starts a worker if variants wait and a healthy GPU has room."""
        healthy = sum(not self._health.is_retired(worker) for worker in self._pool.names())
        max_workers = self._health.max_workers(self._target_workers)
        if not self._stopped and self._dispatcher.waiting and healthy < max_workers:
            self._start()

    def _start(self) -> None:
        self._startup.start(self._pool.start(), time.monotonic())
