"""Pictures -> the store, on threads of their own while the model goes on: encoded, hashed, uploaded, then recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from brandpress.model.errors import BrandpressError
from brandpress.model.request import Rendered
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.deliver.record import ModelStamp, Record, new_record
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of
from brandpress.pipeline.render.events import Blocked, Message, Recorded, StoreWait
from brandpress.pipeline.render.worker.backlog import Backlog
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from brandpress.pipeline.version import TOOL

THREADS = 8
"""A store may take a good part of a second to answer, twice for each picture: so many are asked at once."""


class Uploader:
    """Every variant that it's given is recorded once, with its picture or with the cause of a failure, as long as the
    store takes anything."""

    def __init__(
        self,
        folder: Store,
        model: ModelStamp,
        host: Mapping[str, str],
        emit: Callable[[Message], None],
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """folder: the campaign's folder. host: what the renderer says of its machine, which
        may change with what it has rendered. emit: called from any thread.
        patience: with a store that fails."""
        self._folder = RetryingStore(folder, retry_policy or RetryPolicy())
        self._model, self.host, self._emit = model, dict(host), emit
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._backlog = Backlog()

    def make_room(self, rendered: Rendered) -> None:
        """Waits until there's room for a picture, which `take` is to be given then."""
        pixels = rendered.picture.width * rendered.picture.height
        if not self._backlog.enter(pixels, wait=False):
            self._emit(StoreWait(True))
            self._backlog.enter(pixels)
            self._emit(StoreWait(False))

    def take(self, variant: Variant, rendered: Rendered, timings: Mapping[str, float]) -> None:
        """Deliver a picture. timings: seconds per stage so far."""
        self._threads.submit(self._deliver, variant, rendered, dict(timings))

    def fail(self, variant: Variant, cause: Cause) -> None:
        """Record a failure."""
        self._threads.submit(self._record_failure, variant, cause)

    def close(self) -> None:
        """Waits until everything is recorded."""
        self._threads.shutdown(wait=True)

    def _deliver(self, variant: Variant, rendered: Rendered, timings: dict[str, float]) -> None:
        picture = rendered.picture
        try:
            start = time.perf_counter()
            size = (variant.width, variant.height)
            if picture.size != size:
                raise BrandpressError(f"the renderer gave a picture of {picture.size}, asked were {size}")
            data = encode(picture, variant.format, Metadata(render_key=variant.render_key, tool=TOOL))
            timings["encode"] = time.perf_counter() - start
            record = new_record(variant, self._model, "done").model_copy(
                update={
                    "timings": {stage: round(seconds, 4) for stage, seconds in timings.items()},
                    "cache": dict(rendered.cache),
                    "prompt_upsampled": rendered.prompt,
                    "cost": rendered.cost,
                    "host": self.host,
                }
            )
            self._emit(Recorded(deliver(self._folder, record, variant.asset, data)))
        except Exception as error:
            if isinstance(error, StoreError) and error.scope == "store":
                self._emit(Blocked(variant.render_key, cause_of(error).text))
            else:
                self._record_failure(variant, cause_of(error))
        finally:
            self._backlog.leave(picture.width * picture.height)

    def _record_failure(self, variant: Variant, cause: Cause) -> None:
        record = new_record(variant, self._model, "failed", cause=cause.text)
        record = record.model_copy(update={"host": self.host, "traceback": cause.traceback})
        try:
            self._emit(Recorded(self._filed(record)))
        except StoreError as error:
            self._emit(Blocked(variant.render_key, cause_of(error).text))

    def _filed(self, record: Record) -> Record:
        """The record as it stands in the store; where that can't be written for a while, the record itself."""
        try:
            return file_record(self._folder, record)
        except Exception as error:
            if isinstance(error, StoreError) and error.scope == "store":
                raise
            told = cause_of(error).text
            return record.model_copy(
                update={"cause": record.cause if record.cause == told else f"{record.cause}; {told}"}
            )
