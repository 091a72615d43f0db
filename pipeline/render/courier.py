"""Pictures -> the store, on threads of their own while the model goes on: encoded, hashed, uploaded, then recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from model.errors import BrandpressError
from model.request import Rendered
from pipeline.deliver.delivery import deliver, file_record
from pipeline.deliver.encode import Metadata, encode
from pipeline.deliver.record import ModelStamp, new_record
from pipeline.deliver.store import Store
from pipeline.render.backlog import Backlog
from pipeline.render.cause import cause_of
from pipeline.render.dispatch import Task
from pipeline.render.events import Message, Recorded
from pipeline.version import TOOL

THREADS = 8
"""A store may take a good part of a second to answer, twice for each picture: so many are asked at once."""


class Courier:
    """Every task that it's given is recorded once: with its picture, or with the cause of a failure."""

    def __init__(
        self, folder: Store, model: ModelStamp, host: Mapping[str, str], emit: Callable[[Message], None]
    ) -> None:
        """folder: the campaign's folder. host: what the renderer says of its machine. emit: called from any thread."""
        self._folder, self._model, self._host, self._emit = folder, model, dict(host), emit
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._backlog = Backlog()

    def make_room(self, rendered: Rendered) -> None:
        """Waits until there's room for a picture, which `take` is to be given then."""
        self._backlog.enter(rendered.picture.width * rendered.picture.height)

    def take(self, task: Task, rendered: Rendered, timings: Mapping[str, float]) -> None:
        """Deliver a picture. timings: seconds per stage so far."""
        self._threads.submit(self._deliver, task, rendered, dict(timings))

    def fail(self, task: Task, cause: str) -> None:
        """Record a failure."""
        self._threads.submit(self._record_failure, task, cause)

    def close(self) -> None:
        """Waits until everything is recorded."""
        self._threads.shutdown(wait=True)

    def _deliver(self, task: Task, rendered: Rendered, timings: dict[str, float]) -> None:
        variant, picture = task.variant, rendered.picture
        try:
            start = time.perf_counter()
            size = (variant.width, variant.height)
            if picture.size != size:
                raise BrandpressError(f"the renderer gave a picture of {picture.size}, asked were {size}")
            data = encode(picture, variant.format, Metadata(render_key=variant.render_key, tool=TOOL))
            timings["encode"] = time.perf_counter() - start
            record = new_record(variant, self._model, "done", task.attempts).model_copy(
                update={
                    "timings": {stage: round(seconds, 4) for stage, seconds in timings.items()},
                    "cache": dict(rendered.cache),
                    "prompt_upsampled": rendered.prompt,
                    "cost": rendered.cost,
                    "host": self._host,
                }
            )
            self._emit(Recorded(deliver(self._folder, record, variant.asset, data)))
        except Exception as error:
            self._record_failure(task, cause_of(error))
        finally:
            self._backlog.leave(picture.width * picture.height)

    def _record_failure(self, task: Task, cause: str) -> None:
        record = new_record(task.variant, self._model, "failed", task.attempts, cause)
        record = record.model_copy(update={"host": self._host})
        try:
            record = file_record(self._folder, record)
        except Exception as error:
            told = cause_of(error)
            record = record.model_copy(update={"cause": cause if cause == told else f"{cause}; {told}"})
        self._emit(Recorded(record))
