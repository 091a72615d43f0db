"""The driver's loop: a crew and a queue, until everything is recorded, a signal comes, or no worker is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from brandpress.model.memory.plan import RECORDED_RESIDENCY
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher, Struck
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import (
    Blocked,
    Broken,
    Event,
    Exhausted,
    Loaded,
    LoadFailed,
    Lost,
    Message,
    Pictured,
    Recorded,
    Started,
    Stopping,
    StoreWait,
    Tally,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
)

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.worker_pool import WorkerPool

STARTS_ALLOWED_TO_FAIL = 3
"""In a row, without a picture between them."""

DEVICE_LOSSES_ALLOWED = 3
"""On one GPU in a row, without a picture between them: then the GPU is taken to be broken, and not the pictures."""

LISTEN_SECONDS = 0.2
NOT_COMPILED = (
    "the model's kernels aren't compiled, which takes longer: no compiler was found; for a GPU install Triton and a C "
    "compiler, for --compile on a CPU a C++ compiler and Python's headers (Debian: g++ and python3-dev)"
)
NO_GPU = (
    "Ray gave the workers GPUs, and torch {torch} sees none, so they render on the CPU: install a torch for CUDA or "
    "update the GPU's driver; if the CPU is meant, set CUDA_VISIBLE_DEVICES= (empty)"
)


class DriverLoop:
    """One run of a crew. Afterwards: `untried` with causes, `blocked` if the store took nothing any more, `busy` and
    `model` seconds."""

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
    ) -> None:
        """compiles: the workers were asked to compile kernels; None: on GPUs. gpus: how many there are for workers,
        each for `per_gpu` of them; 0: they render on CPUs. Where one couldn't use what it was to, that's told once."""
        self.untried: tuple[Failure, ...] = ()
        self.blocked: str | None = None
        self.busy = self.model = 0.0
        self._crew, self._dispatcher, self._ledger, self._say = worker_pool, dispatcher, results, on_event
        self._deadlines = deadlines
        self._loaded: set[str] = set()
        self._places: dict[str, tuple[str, str]] = {}
        self._device_losses: Counter[tuple[str, str]] = Counter()
        self._variants: dict[str, Variant] = {}
        self._compiles, self._gpus = compiles, gpus > 0
        self._gpu_count, self._per_gpu = gpus, per_gpu
        self._wanted = 0
        self._retired: set[tuple[str, str]] = set()
        self._parked: set[str] = set()
        self._stopped = False
        self._failed_starts = 0
        self._last_cause = ""

    @property
    def outside_model(self) -> float | None:
        """The share of the workers' busy time outside of the model; None if there was none."""
        return max(0.0, 1 - self.model / self.busy) if self.busy else None

    def run(self, workers: int, stopping: Callable[[], bool]) -> None:
        """Start so many workers at once and work until the end. Raises NothingRenderedError if no model could load."""
        self._wanted = workers
        for _ in range(workers):
            self._start()
        while not self._dispatcher.finished and len(self._crew) > len(self._parked):
            if stopping():
                self._stop()
            for worker, happened in self._crew.wait(LISTEN_SECONDS) if len(self._crew) else ():
                if isinstance(happened, Lost):
                    self._lost(worker, happened)
                else:
                    for message in happened:
                        self._hear(worker, message)
            self._end_overdue()
        if not self._dispatcher.finished and not self._stopped:
            self._give_up()

    def _start(self) -> None:
        self._deadlines.starting(self._crew.start(), time.monotonic())

    def _stop(self, cause: str | None = None) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._say(Stopping(cause))
        for worker in self._crew.names():
            if worker not in self._loaded:
                self._crew.dismiss(worker)
                self._forget(worker)
        self._parked.clear()
        self._crew.stop()

    def _hear(self, worker: str, message: Message) -> None:
        if worker not in self._crew:  # what it said before it was dismissed
            return
        now = time.monotonic()
        match message:
            case Loaded(host=host, seconds=seconds, node=node, gpus=gpus):
                self._places[worker] = (node, gpus)
                if (node, gpus) in self._retired:
                    self._park(worker)
                else:
                    self._ready(worker, host, seconds)
            case LoadFailed(cause, final):
                self._crew.dismiss(worker)
                self._start_failed(worker, cause, final)
            case Started(render_key):
                variant = self._dispatcher.started(worker, render_key)
                if variant is not None:
                    self._variants[render_key] = variant
                    self._deadlines.started(worker, variant, now)
                    self._say(VariantStarted(worker, variant.name))
                self._top_up(worker)
            case Pictured(render_key):
                self._dispatcher.pictured(worker, render_key)
                self._deadlines.ended(worker, render_key, now)
            case Broken(why):
                self._crew.dismiss(worker)
                self._lost(worker, Lost(f"its process ended: {why.text}", broken=True, traceback=why.traceback))
            case StoreWait(waiting):
                self._deadlines.waits(worker, waiting, now)
            case Exhausted(render_key, told):
                self._deadlines.ended(worker, render_key, now)
                struck = self._dispatcher.exhausted(worker, render_key)
                self._strike(worker, (struck,) if struck else (), told)
                self._top_up(worker)
            case Blocked(render_key, cause):
                self._deadlines.ended(worker, render_key, now)
                self._dispatcher.recorded(worker, render_key)
                self.blocked = self.blocked or cause
                self._stop(cause)
            case Recorded(record):
                self._recorded(worker, record, now)
            case Tally(busy, model):
                self.busy += busy
                self.model += model

    def _ready(self, worker: str, host: dict[str, str], seconds: float) -> None:
        self._loaded.add(worker)
        self._deadlines.loaded(worker, time.monotonic())
        if host.get("residency") == RECORDED_RESIDENCY["offload"]:
            self._dispatcher.set_offloading(worker)
        self._say(WorkerLoaded(worker, host, seconds))
        on_gpu = self._gpus and host.get("device") != "cpu"
        if (on_gpu if self._compiles is None else self._compiles) and "compiled" not in host:
            self._compiles = False
            self._say(Warned(NOT_COMPILED))
        if self._gpus and host.get("device") == "cpu":
            self._gpus = False
            self._say(Warned(NO_GPU.format(torch=host["torch"])))
        self._top_up(worker)

    def _park(self, worker: str) -> None:
        """Have a worker that came to a retired GPU hold it, idle, for the rest of the run: so Ray gives the GPU to no
        other, and the one that is started in its place comes to a healthy GPU."""
        self._forget(worker)
        self._parked.add(worker)
        self._start_where_healthy()

    def _start_where_healthy(self) -> None:
        """Start a worker if something waits and a healthy GPU may have one."""
        here = sum(self._places.get(worker) not in self._retired for worker in self._crew.names())
        room = self._wanted
        if self._gpu_count:
            room = min(room, (self._gpu_count - len(self._retired)) * self._per_gpu)
        if not self._stopped and self._dispatcher.waiting and here < room:
            self._start()

    def _recorded(self, worker: str, record: Record, now: float) -> None:
        variant = self._variants.pop(record.render_key, None)
        if variant is not None and "model" in record.timings:
            self._deadlines.took(variant, record.timings["model"])
        self._deadlines.ended(worker, record.render_key, now)
        self._failed_starts = 0
        if record.status == "done":
            self._device_losses[self._places[worker]] = 0
        self._dispatcher.recorded(worker, record.render_key)
        self._ledger.add(record)
        self._say(VariantRecorded(worker, record))
        self._top_up(worker)

    def _top_up(self, worker: str) -> None:
        """Give `worker` what it has room for; a new worker takes its place if only that one may do what's left."""
        if self._stopped:
            return
        while variants := self._dispatcher.take(worker):
            self._crew.submit(worker, variants)
        if self._dispatcher.wants_fresh(worker) and set(self._crew.names()) - self._parked == self._loaded:
            self._crew.dismiss(worker)
            self._forget(worker)
            self._dispatcher.lost(worker)
            self._start()

    def _end_overdue(self) -> None:
        for worker, limit in self._deadlines.overdue(time.monotonic()):
            self._crew.dismiss(worker)
            self._lost(worker, Lost(f"nothing came of it within {limit:,.0f} s"))

    def _lost(self, worker: str, lost: Lost) -> None:
        loaded = worker in self._loaded
        if worker in self._parked:
            self._parked.discard(worker)
            return
        self._forget(worker)
        if not loaded:
            if not self._stopped:
                self._start_failed(worker, f"{lost.cause} while it loaded the model", final=False)
            return
        if self._stopped and not lost.died:
            return
        self._say(WorkerLost(worker, lost.cause))
        if not self._dispatcher.holds(worker):
            self._failed_starts += 1
        struck = self._dispatcher.lost(worker, node=lost.node)
        cause = Cause(f"its worker was lost while it was rendered: {lost.cause}", lost.traceback)
        self._strike(worker, struck, cause)
        if lost.broken:
            self._count_device_loss(worker)
        self._replace(lost.cause)

    def _count_device_loss(self, worker: str) -> None:
        """Retire the GPU on which `worker` was lost to an error if it's the last loss allowed: it has no other worker
        then. Where it is not known which GPU that was, there is one worker less."""
        node, gpu = place = self._places[worker]
        self._device_losses[place] += 1
        if self._device_losses[place] < DEVICE_LOSSES_ALLOWED:
            return
        if not (self._gpu_count and gpu):
            self._wanted -= 1
        elif place in self._retired:
            return
        else:
            self._retired.add(place)
        where = f"GPU {gpu} of node {node}" if gpu else f"node {node}" if node else "this machine"
        self._say(
            Warned(
                f"no more workers are started on {where}: the last {DEVICE_LOSSES_ALLOWED} ended with an error and "
                "made no picture; check the GPU with nvidia-smi and the kernel log (dmesg, Xid)"
            )
        )

    def _strike(self, worker: str, struck: Sequence[Struck], cause: Cause) -> None:
        for record in self._ledger.strike(struck, cause):
            self._say(VariantRecorded(worker, record))

    def _start_failed(self, worker: str, cause: str, final: bool) -> None:
        self._forget(worker)
        self._say(WorkerLost(worker, cause))
        self._failed_starts = STARTS_ALLOWED_TO_FAIL if final else self._failed_starts + 1
        self._replace(cause)

    def _replace(self, cause: str) -> None:
        """Start another worker in the place of one that was lost, where there is a healthy GPU for it."""
        self._last_cause = cause
        if self._stopped:
            return
        if self._failed_starts >= STARTS_ALLOWED_TO_FAIL:
            self._dispatcher.nobody_new()
        else:
            self._start_where_healthy()
        for other in sorted(self._loaded):
            self._top_up(other)

    def _forget(self, worker: str) -> None:
        self._loaded.discard(worker)
        self._deadlines.forget(worker)

    def _give_up(self) -> None:
        if not self._ledger.records:
            raise NothingRenderedError(f"no worker could start: {self._last_cause}")
        cause = f"not tried, as no worker could start any more: {self._last_cause}"
        self.untried = tuple(Failure(variant.name, cause) for variant in self._dispatcher.abandoned())
