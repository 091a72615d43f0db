"""Encodes, hashes, uploads and records pictures on threads while the model renders the next ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from brandpress.model.request import Rendered
from brandpress.pipeline.deliver.delivery import deliver, file_record, read_delivered
from brandpress.pipeline.deliver.record import ModelStamp, Record, new_record, record_key
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of
from brandpress.pipeline.render.events import Message, StoreBlocked, StoreWait, VariantRecorded
from brandpress.pipeline.render.worker.backlog import Backlog
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.spec.size import Size
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

THREADS = 8
"""Two requests per picture may each take a good part of a second, so several pictures are uploaded in parallel."""

ANSWER_SECONDS = 5.0
"""How long the store is asked again if it doesn't say whether a picture is there; then the picture is rendered."""

SILENT_SECONDS = 60.0
"""How long such a store isn't asked about other pictures, which would each wait for it as well."""


class Uploader:
    """Records every variant once, with its picture or the cause of its failure, unless the store rejects all writes."""

    def __init__(
        self,
        folder: Store,
        model: ModelStamp,
        host: Mapping[str, str],
        emit: Callable[[Message], None],
        retry_policy: RetryPolicy | None = None,
        marking: Marking | None = None,
    ) -> None:
        """folder: the campaign's folder. host: the renderer's description of its machine, which may change while it
        renders. emit: receives messages, from any thread. marking: how pictures are marked."""
        self._folder = RetryingStore(folder, retry_policy or RetryPolicy())
        self._quick_folder = RetryingStore(folder, RetryPolicy(ANSWER_SECONDS))
        self._model, self.host, self._emit = model, dict(host), emit
        self._marking = marking or Marking()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._backlog = Backlog()
        self._ask_from = 0.0

    def report_delivered(self, variant: Variant) -> bool:
        """Reports a variant's picture if it is in the store, and returns whether it is; False if the store doesn't
        answer."""
        if time.monotonic() < self._ask_from:
            return False
        self._emit(StoreWait(True))
        try:
            record = read_delivered(self._quick_folder, record_key(variant.render_key))
        except StoreError as error:
            record = None
            if error.scope != "key":
                self._ask_from = time.monotonic() + SILENT_SECONDS
        self._emit(StoreWait(False))
        if record is None:
            return False
        self._emit(VariantRecorded(record, expected_key=variant.render_key))
        return True

    def reserve(self, rendered: Rendered) -> None:
        """Waits until there is room for a picture. Call `upload` with it next."""
        pixels = rendered.picture.width * rendered.picture.height
        if not self._backlog.enter(pixels, wait=False):
            self._emit(StoreWait(True))
            self._backlog.enter(pixels)
            self._emit(StoreWait(False))

    def upload(self, variant: Variant, rendered: Rendered, timings: Mapping[str, float]) -> None:
        """Starts to deliver a picture. timings: seconds per stage so far."""
        self._threads.submit(self._deliver, variant, rendered, dict(timings))

    def record_failure(self, variant: Variant, cause: Cause) -> None:
        """Starts to write a failure's record."""
        self._threads.submit(self._write_failure, variant, cause)

    def close(self) -> None:
        """Waits until everything is recorded."""
        self._threads.shutdown(wait=True)

    def _deliver(self, variant: Variant, rendered: Rendered, timings: dict[str, float]) -> None:
        picture = rendered.picture
        try:
            start = time.perf_counter()
            record = new_record(variant, self._model, "done")
            data, record = self._marking.marked(picture, variant, record)
            timings["encode"] = time.perf_counter() - start
            record = record.model_copy(
                update={
                    "timings": {stage: round(seconds, 4) for stage, seconds in timings.items()},
                    "cache": dict(rendered.cache),
                    "prompt_upsampled": rendered.prompt,
                    "cost": rendered.cost,
                    "enlarged_from": None if rendered.enlarged_from is None else str(Size(*rendered.enlarged_from)),
                    "host": self.host,
                }
            )
            delivered = deliver(self._folder, record, variant.asset, data)
            self._marking.write_thumbnail(self._folder, picture, variant, delivered)
            self._emit(VariantRecorded(delivered, expected_key=variant.render_key))
        except Exception as error:
            if isinstance(error, StoreError) and error.scope == "store":
                self._emit(StoreBlocked(variant.render_key, cause_of(error).text))
            else:
                self._write_failure(variant, cause_of(error))
        finally:
            self._backlog.leave(picture.width * picture.height)

    def _write_failure(self, variant: Variant, cause: Cause) -> None:
        record = new_record(variant, self._model, "failed", cause=cause.text)
        record = record.model_copy(update={"host": self.host, "traceback": cause.traceback})
        try:
            self._emit(VariantRecorded(self._file(record), cause.unusable, expected_key=variant.render_key))
        except StoreError as error:
            self._emit(StoreBlocked(variant.render_key, cause_of(error).text))

    def _file(self, record: Record) -> Record:
        """Returns the record as the store holds it, or the given one, with the error, if it can't be written.

        Raises StoreError if the store rejects all writes.
        """
        try:
            return file_record(self._folder, record)
        except Exception as error:
            if isinstance(error, StoreError) and error.scope == "store":
                raise
            text = cause_of(error).text
            return record.model_copy(
                update={"cause": record.cause if record.cause == text else f"{record.cause}; {text}"}
            )
