"""The driver's loop: feeds a worker pool until everything is recorded, a signal comes or no worker is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import TYPE_CHECKING

from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher, FailedAttempt
from brandpress.pipeline.render.driver.gpu_health import GpuHealth
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import (
    Event,
    Loss,
    Message,
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
    WorkTime,
)

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.worker_pool import WorkerPool

MAX_FAILED_STARTS = 3
"""In a row, without a picture in between."""

MAX_UNUSABLE = 3
"""Pictures at the start of a run. If the model returns nothing usable for any of them, it is broken."""

POLL_SECONDS = 0.2
NOT_COMPILED = (
    "the model's kernels run uncompiled, which is slower: no compiler was found; on a GPU install Triton and a C "
    "compiler, for --compile on a CPU install a C++ compiler and Python's headers (Debian: g++ and python3-dev)"
)
NO_GPU = (
    "Ray assigned GPUs to the workers, but torch {torch} sees none, so they render on the CPU: install a torch build "
    "with CUDA or update the GPU driver; to use the CPU on purpose, set CUDA_VISIBLE_DEVICES= (empty)"
)


class DriverLoop:
    """One run over a worker pool.

    Afterwards `untried` holds variants that no worker was left for, `blocked` the store's error if it rejected all
    writes, and `busy_seconds` and `model_seconds` the workers' times.
    """

    def __init__(
        self,
        worker_pool: WorkerPool,
        dispatcher: Dispatcher,
        results: RunResults,
        deadlines: Deadlines,
        on_event: Callable[[Event], None],
        *,
        compiles: bool | None = False,
        gpus: int = 0,
        per_gpu: int = 1,
        recorded: Callable[[], Set[str]] = frozenset,
        broken_model: str = "the model's weights are broken",
    ) -> None:
        """compiles: whether workers should compile kernels; None: only on GPUs. gpus, per_gpu: see `GpuHealth`.
        recorded: returns render keys that other runs have recorded; must not block. broken_model: the end of the error
        if the first pictures are all unusable.

        The loop warns once if a worker can't compile or use its GPU.
        """
        self.untried: tuple[Failure, ...] = ()
        self.recorded_elsewhere = 0
        self._recorded = recorded
        self.blocked: str | None = None
        self.busy_seconds = self.model_seconds = 0.0
        self._pool, self._dispatcher, self._results, self._on_event = worker_pool, dispatcher, results, on_event
        self._deadlines = deadlines
        self._loaded: set[str] = set()
        self._gpu_health = GpuHealth(gpus, per_gpu)
        self._started_variants: dict[str, Variant] = {}
        self._compiles, self._on_gpus = compiles, gpus > 0
        self._target_workers = 0
        self._parked: set[str] = set()
        self._stopped = False
        self._failed_starts = 0
        self._unusable, self._model_works, self._broken_model = 0, False, broken_model
        self._last_cause = ""

    @property
    def outside_model(self) -> float | None:
        """The share of the workers' busy time spent outside the model; None if they were never busy."""
        return max(0.0, 1 - self.model_seconds / self.busy_seconds) if self.busy_seconds else None

    def run(self, workers: int, stop_requested: Callable[[], bool]) -> None:
        """Starts all workers together and renders until the end. Raises NothingRenderedError if no model loads, or if
        the first pictures are all unusable."""
        self._target_workers = workers
        for _ in range(workers):
            self._start()
        while not self._dispatcher.finished and len(self._pool) > len(self._parked):
            if stop_requested():
                self._stop()
            self.recorded_elsewhere += self._dispatcher.drop(self._recorded())
            for worker, received in self._pool.wait(POLL_SECONDS) if len(self._pool) else ():
                if isinstance(received, WorkerLost):
                    self._handle_loss(received)
                else:
                    for message in received:
                        self._handle(worker, message)
            self._dismiss_overdue()
        if not self._dispatcher.finished and not self._stopped:
            self._give_up()

    def _start(self) -> None:
        self._deadlines.start_loading(self._pool.start(), time.monotonic())

    def _stop(self, cause: str | None = None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._on_event(Stopping(cause))
        for worker in self._pool.names():
            if worker not in self._loaded:
                self._pool.dismiss(worker)
                self._forget(worker)
        self._parked.clear()
        self._pool.stop()

    def _handle(self, worker: str, message: Message) -> None:
        if worker not in self._pool:  # sent before the worker was dismissed
            return
        now = time.monotonic()
        match message:
            case WorkerLoaded(node=node, gpus=gpus):
                self._gpu_health.place(worker, node, gpus)
                if self._gpu_health.is_retired(worker):
                    self._park(worker)
                else:
                    self._use(message)
            case WorkerLost():
                self._pool.dismiss(worker)
                self._handle_loss(message)
            case VariantStarted(render_key=render_key):
                variant = self._dispatcher.start(worker, render_key)
                if variant is not None:
                    self._started_variants[render_key] = variant
                    self._deadlines.start(worker, variant, now)
                    self._on_event(message)
                self._top_up(worker)
            case VariantRendered(render_key):
                self._model_works = True
                self._dispatcher.finish_rendering(worker, render_key)
                self._deadlines.finish(worker, render_key, now)
            case StoreWait(waiting):
                self._deadlines.set_waiting(worker, waiting, now)
            case VariantOutOfMemory(render_key, cause):
                self._deadlines.finish(worker, render_key, now)
                attempt = self._dispatcher.set_aside_out_of_memory(worker, render_key)
                self._record_attempts((attempt,) if attempt else (), cause)
                self._top_up(worker)
            case StoreBlocked(render_key, error):
                self._deadlines.finish(worker, render_key, now)
                self._dispatcher.finish(worker, render_key)
                self.blocked = self.blocked or error
                self._stop(error)
            case VariantRecorded(record, unusable):
                self._handle_record(worker, record, now)
                self._count_unusable(record, unusable)
            case WorkTime(busy, model):
                self.busy_seconds += busy
                self.model_seconds += model

    def _use(self, loaded: WorkerLoaded) -> None:
        """Gives work to a worker that has loaded its model, and warns if it can't compile or use its GPU."""
        worker, host = loaded.worker, loaded.host
        self._loaded.add(worker)
        self._deadlines.finish_loading(worker, time.monotonic())
        if host.get("residency") == RECORDED_RESIDENCY["offload"]:
            self._dispatcher.set_offloading(worker)
        self._on_event(loaded)
        on_gpu = self._on_gpus and host.get("device") != "cpu"
        if (on_gpu if self._compiles is None else self._compiles) and "compiled" not in host:
            self._compiles = False
            self._on_event(Warned(NOT_COMPILED))
        if self._on_gpus and host.get("device") == "cpu":
            self._on_gpus = False
            self._on_event(Warned(NO_GPU.format(torch=host["torch"])))
        self._top_up(worker)

    def _park(self, worker: str) -> None:
        """Keeps a worker idle on a retired GPU for the rest of the run, so that Ray assigns that GPU to no other
        worker, and starts another one."""
        self._forget(worker)
        self._parked.add(worker)
        self._start_on_healthy_gpu()

    def _start_on_healthy_gpu(self) -> None:
        """Starts a worker if variants wait and a healthy GPU has room."""
        healthy = sum(not self._gpu_health.is_retired(worker) for worker in self._pool.names())
        max_workers = self._gpu_health.max_workers(self._target_workers)
        if not self._stopped and self._dispatcher.waiting and healthy < max_workers:
            self._start()

    def _handle_record(self, worker: str, record: Record, now: float) -> None:
        variant = self._started_variants.pop(record.render_key, None)
        if variant is not None and "model" in record.timings:
            self._deadlines.measure(variant, record.timings["model"])
        self._deadlines.finish(worker, record.render_key, now)
        self._failed_starts = 0
        if record.status == "done":
            self._gpu_health.reset_losses(worker)
        self._dispatcher.finish(worker, record.render_key)
        self._results.add(record)
        self._on_event(VariantRecorded(record))
        self._top_up(worker)

    def _count_unusable(self, record: Record, unusable: bool) -> None:
        self._model_works = self._model_works or record.status == "done"
        self._unusable += unusable
        if self._unusable == MAX_UNUSABLE and not self._model_works:
            raise NothingRenderedError(
                f"the first {MAX_UNUSABLE} pictures failed: {record.cause}; {self._broken_model}"
            )

    def _top_up(self, worker: str) -> None:
        """Submits groups to `worker` while it has room, or replaces it if the rest needs a fresh worker."""
        if self._stopped:
            return
        while variants := self._dispatcher.take(worker):
            self._pool.submit(worker, variants)
        if self._dispatcher.needs_fresh_worker(worker) and set(self._pool.names()) - self._parked == self._loaded:
            self._pool.dismiss(worker)
            self._forget(worker)
            self._dispatcher.lose(worker)
            self._start()

    def _dismiss_overdue(self) -> None:
        for worker, limit in self._deadlines.overdue(time.monotonic()):
            self._pool.dismiss(worker)
            self._handle_loss(WorkerLost(worker, f"it made no progress within {limit:,.0f} s"))

    def _handle_loss(self, lost: WorkerLost) -> None:
        worker = lost.worker
        if lost.loss in (Loss.LOAD_FAILED, Loss.LOAD_REFUSED):
            self._handle_failed_start(lost)
            return
        if worker in self._parked:
            self._parked.discard(worker)
            return
        loaded = worker in self._loaded
        self._forget(worker)
        if not loaded:
            if not self._stopped:
                self._handle_failed_start(replace(lost, cause=f"{lost.cause} while it loaded the model"))
            return
        if self._stopped and lost.loss is Loss.ENDED:
            return
        self._on_event(lost)
        if not self._dispatcher.holds_work(worker):
            self._failed_starts += 1
        attempts = self._dispatcher.lose(worker, node=lost.loss is Loss.NODE_LOST)
        self._record_attempts(
            attempts, Cause(f"its worker was lost while it was rendered: {lost.cause}", lost.traceback)
        )
        if lost.loss is Loss.FAILED and (warning := self._gpu_health.count_loss(worker)) is not None:
            self._on_event(Warned(warning))
        self._replace(lost.cause)

    def _record_attempts(self, attempts: Sequence[FailedAttempt], cause: Cause) -> None:
        for record in self._results.record_failed_attempts(attempts, cause):
            self._on_event(VariantRecorded(record))

    def _handle_failed_start(self, lost: WorkerLost) -> None:
        self._forget(lost.worker)
        self._on_event(lost)
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
        for other in sorted(self._loaded):
            self._top_up(other)

    def _forget(self, worker: str) -> None:
        self._loaded.discard(worker)
        self._deadlines.remove(worker)

    def _give_up(self) -> None:
        if not self._results.records:
            raise NothingRenderedError(f"no worker could start: {self._last_cause}")
        cause = f"not tried, because no worker could be started: {self._last_cause}"
        self.untried = tuple(Failure(variant.name, cause) for variant in self._dispatcher.drain())
