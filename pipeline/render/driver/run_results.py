"""What became of the variants of a run, and the records that no worker is left to write."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.record import ModelStamp, Record, Status, new_record
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.dispatcher import Struck
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

WRITERS = 8
PATIENCE_SECONDS = 10.0
"""Of the driver, which has workers to listen to; what it can't write is known to this run all the same."""


class RunResults:
    """`records` holds the latest of each variant, by render key."""

    def __init__(self, folder: Store, model: ModelStamp) -> None:
        self.records: dict[str, Record] = {}
        self._folder, self._model = RetryingStore(folder, RetryPolicy(PATIENCE_SECONDS)), model

    def add(self, record: Record) -> None:
        """A worker has recorded a variant."""
        self.records[record.render_key] = record

    def strike(self, struck: Sequence[Struck], cause: Cause) -> list[Record]:
        """Record variants over which a worker was lost: the driver may be, next. Returns the records of those that are
        given up; the others are tried again, and only the store knows of their strike."""
        with ThreadPoolExecutor(WRITERS) as writers:
            written = list(writers.map(lambda one: self._write(one, cause), struck))
        given_up = [record for one, record in zip(struck, written, strict=True) if one.given_up]
        for record in given_up:
            self.add(record)
        return given_up

    def _write(self, struck: Struck, cause: Cause) -> Record:
        status: Status = "quarantined" if struck.given_up else "failed"
        what = "given up" if struck.given_up else "to be tried once more, alone"
        record = new_record(
            struck.variant, self._model, status, cause=f"{cause.text} ({what})", strikes=struck.strikes
        ).model_copy(update={"traceback": cause.traceback})
        try:
            return file_record(self._folder, record)
        except StoreError as error:
            return record.model_copy(update={"cause": f"{record.cause}; {error}"})
