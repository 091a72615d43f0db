"""The records of a run, including those of variants whose worker was lost before it could write them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.record import ModelStamp, Record, Status, new_record
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.dispatcher import FailedAttempt
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

WRITERS = 8
RETRY_SECONDS = 10.0
"""Short, because workers wait for the driver meanwhile. A record that can't be written still counts in this run."""


class RunResults:
    """`records` holds the latest record of each variant, keyed by render key."""

    def __init__(self, folder: Store, model: ModelStamp) -> None:
        self.records: dict[str, Record] = {}
        self._folder, self._model = RetryingStore(folder, RetryPolicy(RETRY_SECONDS)), model

    def add(self, record: Record) -> None:
        """Adds a record that a worker has written."""
        self.records[record.render_key] = record

    def record_failed_attempts(self, attempts: Sequence[FailedAttempt], cause: Cause) -> list[Record]:
        """Writes failed attempts to the store, so that they count even if the driver dies next.

        Returns the records of variants that were given up; the others will be retried and aren't results yet.
        """
        with ThreadPoolExecutor(WRITERS) as writers:
            records = list(writers.map(lambda attempt: self._write(attempt, cause), attempts))
        given_up = [record for attempt, record in zip(attempts, records, strict=True) if attempt.given_up]
        for record in given_up:
            self.add(record)
        return given_up

    def _write(self, attempt: FailedAttempt, cause: Cause) -> Record:
        status: Status = "quarantined" if attempt.given_up else "failed"
        consequence = "given up" if attempt.given_up else "to be tried once more, alone"
        record = new_record(
            attempt.variant, self._model, status, cause=f"{cause.text} ({consequence})", strikes=attempt.failures
        ).model_copy(update={"traceback": cause.traceback})
        try:
            return file_record(self._folder, record)
        except StoreError as error:
            return record.model_copy(update={"cause": f"{record.cause}; {error}"})
