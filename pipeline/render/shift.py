"""The driver's loop: a crew and a queue, until everything is recorded, a signal comes, or no worker is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.deliver.delivery import file_record
from pipeline.deliver.record import ModelStamp, Record, new_record
from pipeline.deliver.status import Failure
from pipeline.deliver.store import Store, StoreError
from pipeline.plan.variant import Variant
from pipeline.render.dispatch import Dispatcher
from pipeline.render.events import (
    Event,
    Loaded,
    LoadFailed,
    Lost,
    Message,
    Recorded,
    Started,
    Stopping,
    Tally,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
)
from pipeline.render.outcome import NothingRenderedError

if TYPE_CHECKING:
    from pipeline.render.crew import Crew

STARTS_ALLOWED_TO_FAIL = 3
LISTEN_SECONDS = 0.2
NOT_COMPILED = (
    "torch.compile is off: no compiler was found; install a C++ compiler and Python's headers (Debian: g++ and "
    "python3-dev) and, for a GPU, Triton (pip install triton); the pictures are the same without"
)


class Shift:
    """One run of a crew. Afterwards: `records` by render key, `untried` with causes, `busy` and `model` seconds."""

    def __init__(
        self,
        crew: Crew,
        dispatcher: Dispatcher,
        folder: Store,
        model: ModelStamp,
        on_event: Callable[[Event], None],
        *,
        compiles: bool = False,
    ) -> None:
        """compiles: the workers were asked for torch.compile; once it's told where one couldn't."""
        self.records: dict[str, Record] = {}
        self.untried: tuple[Failure, ...] = ()
        self.busy = self.model = 0.0
        self._crew, self._dispatcher, self._folder, self._stamp, self._say = crew, dispatcher, folder, model, on_event
        self._loaded: set[str] = set()
        self._compiles = compiles
        self._failed_starts = 0
        self._last_cause = ""

    @property
    def outside_model(self) -> float | None:
        """The share of the workers' busy time outside of the model; None if there was none."""
        return max(0.0, 1 - self.model / self.busy) if self.busy else None

    def run(self, workers: int, stopping: Callable[[], bool]) -> None:
        """Start so many workers at once and work until the end. Raises NothingRenderedError if no model could load."""
        for _ in range(workers):
            self._crew.start()
        stopped = False
        while not self._dispatcher.finished and len(self._crew):
            if stopping() and not stopped:
                stopped = True
                self._stop()
            for worker, happened in self._crew.wait(LISTEN_SECONDS) if len(self._crew) else ():
                if not isinstance(happened, Lost):
                    for message in happened:
                        self._hear(worker, message, stopped)
                elif not stopped:
                    self._lost(worker, happened.cause)
        if not self._dispatcher.finished and not stopped:
            self._give_up()

    def _stop(self) -> None:
        self._say(Stopping())
        for worker in self._crew.names():
            if worker not in self._loaded:
                self._crew.dismiss(worker)
        self._crew.stop()

    def _hear(self, worker: str, message: Message, stopped: bool) -> None:
        match message:
            case Loaded(host, seconds):
                self._loaded.add(worker)
                if host.get("residency") == "turns":
                    self._dispatcher.takes_turns(worker)
                self._say(WorkerLoaded(worker, host, seconds))
                if self._compiles and "compiled" not in host:
                    self._compiles = False
                    self._say(Warned(NOT_COMPILED))
                self._top_up(worker)
            case LoadFailed(cause, final):
                self._crew.dismiss(worker)
                self._start_failed(worker, cause, final)
            case Started(render_key):
                variant = self._dispatcher.started(worker, render_key)
                if variant is not None:
                    self._say(VariantStarted(worker, variant.name))
                if not stopped:
                    self._top_up(worker)
            case Recorded(record):
                self._dispatcher.recorded(worker, record.render_key)
                self._record(worker, record)
                if not stopped:
                    self._top_up(worker)
            case Tally(busy, model):
                self.busy += busy
                self.model += model

    def _top_up(self, worker: str) -> None:
        while tasks := self._dispatcher.take(worker):
            self._crew.submit(worker, tasks)

    def _record(self, worker: str, record: Record) -> None:
        self.records[record.render_key] = record
        self._say(VariantRecorded(worker, record))

    def _lost(self, worker: str, cause: str) -> None:
        if worker not in self._loaded:
            self._start_failed(worker, f"{cause} while it loaded the model", final=False)
            return
        self._loaded.discard(worker)
        self._say(WorkerLost(worker, cause))
        if not self._dispatcher.holds(worker):
            self._failed_starts += 1
        for variant, deaths in self._dispatcher.lost(worker):
            self._record(
                worker,
                self._failure(
                    variant, deaths, f"its worker was lost {deaths} times while it was rendered; last: {cause}"
                ),
            )
        for other in self._loaded:
            self._top_up(other)
        self._replace(cause)

    def _start_failed(self, worker: str, cause: str, final: bool) -> None:
        self._say(WorkerLost(worker, cause))
        self._failed_starts = STARTS_ALLOWED_TO_FAIL if final else self._failed_starts + 1
        self._replace(cause)

    def _replace(self, cause: str) -> None:
        self._last_cause = cause
        if self._dispatcher.waiting and self._failed_starts < STARTS_ALLOWED_TO_FAIL:
            self._crew.start()

    def _give_up(self) -> None:
        if not self.records:
            raise NothingRenderedError(f"no worker could start: {self._last_cause}")
        cause = f"not tried, as no worker could start any more: {self._last_cause}"
        self.untried = tuple(Failure(variant.name, cause) for variant in self._dispatcher.abandoned())

    def _failure(self, variant: Variant, attempts: int, cause: str) -> Record:
        record = new_record(variant, self._stamp, "failed", attempts, cause)
        try:
            return file_record(self._folder, record)
        except StoreError as error:
            return record.model_copy(update={"cause": f"{cause}; {error}"})
