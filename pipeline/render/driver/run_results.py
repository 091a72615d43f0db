"""The results of a run, including those of variants whose worker was lost before it could write them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.record import ModelStamp, Record, Status, new_record
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of
from brandpress.pipeline.render.driver.dispatcher import FailedAttempt
from brandpress.pipeline.render.driver.totals import Totals
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

WRITERS = 8
RETRY_SECONDS = 10.0
"""Short, because the variants are held back meanwhile. A record that can't be written still counts in this run."""


class RunResults:
    """The latest record of each variant, keyed by render key.

    done: lines of JSON, which take a tenth of the memory of records. others: failed and quarantined variants. totals:
    sums over all of them.
    """

    def __init__(self, folder: Store, model: ModelStamp) -> None:
        self.done: dict[str, bytes] = {}
        self.others: dict[str, Record] = {}
        self.totals = Totals()
        self._folder, self._model = RetryingStore(folder, RetryPolicy(RETRY_SECONDS)), model
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="failures")
        self._writing: dict[Future[Record], FailedAttempt] = {}

    @property
    def weights_digest(self) -> str:
        """The digest of the weights that the run was planned for."""
        return self._model.weights_digest

    def add(self, record: Record, *, is_new: bool = True) -> None:
        """Adds a record that a worker has written; `is_new`: for this run, so that it counts in the totals."""
        key = record.render_key
        self.done.pop(key, None)
        self.others.pop(key, None)
        if record.status == "done":
            self.done[key] = record.to_json()
        else:
            self.others[key] = record
        if is_new:
            self.totals.add(record)

    def __len__(self) -> int:
        """The number of variants with a record."""
        return len(self.done) + len(self.others)

    def keys(self) -> Set[str]:
        """Returns the render keys of all records."""
        return self.done.keys() | self.others.keys()

    @property
    def writing(self) -> bool:
        """Whether failed attempts are being written."""
        return bool(self._writing)

    def start_recording(self, attempts: Sequence[FailedAttempt], cause: Cause) -> None:
        """Starts to write failed attempts to the store on threads. `recorded` returns them once they are written."""
        for attempt in attempts:
            self._writing[self._writers.submit(self._write, attempt, cause)] = attempt

    def recorded(self, seconds: float | None = 0.0) -> list[tuple[FailedAttempt, Record]]:
        """Returns the failed attempts that have been written since the last call, and their records.

        Those of variants that were given up count as results. seconds: how long to wait for the first; None: until all
        are written.
        """
        if self._writing:
            wait(self._writing, seconds, FIRST_COMPLETED if seconds is not None else "ALL_COMPLETED")
        written = [(future, attempt) for future, attempt in self._writing.items() if future.done()]
        for future, attempt in written:
            del self._writing[future]
            if attempt.given_up:
                self.add(future.result())
        return [(attempt, future.result()) for future, attempt in written]

    def _write(self, attempt: FailedAttempt, cause: Cause) -> Record:
        status: Status = "quarantined" if attempt.given_up else "failed"
        consequence = "given up" if attempt.given_up else "to be tried once more, alone"
        record = new_record(
            attempt.variant, self._model, status, cause=f"{cause.text} ({consequence})", strikes=attempt.failures
        ).model_copy(update={"traceback": cause.traceback})
        try:
            return file_record(self._folder, record)
        except StoreError as error:
            return record.model_copy(update={"cause": f"{record.cause}; {cause_of(error).text}"})

    def new_failure(self, variant: Variant, cause: str) -> Record:
        """Returns a failed variant's record without writing it, because another variant's record is in its place."""
        return new_record(variant, self._model, "failed", cause=cause)
