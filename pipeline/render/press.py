"""A renderer and a store in one process: variants in, records out. Knows nothing of Ray.

While the model makes the next picture, a thread encodes, hashes and delivers the one before; at most two wait for it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import BoundedSemaphore, Event

from model.errors import BrandpressError
from model.request import Failed, Pictures, Rendered, RenderRequest
from pipeline.deliver.delivery import deliver, file_record
from pipeline.deliver.encode import Metadata, encode
from pipeline.deliver.record import ModelStamp, new_record
from pipeline.deliver.store import Store
from pipeline.render.cause import cause_of
from pipeline.render.dispatch import Task
from pipeline.render.events import Message, Recorded, Started, Tally
from pipeline.render.reference import open_reference
from pipeline.version import TOOL

PENDING_DELIVERIES = 2


class Press:
    """One renderer at work. Failure is a value: a variant that fails gets a record with its cause, the rest goes on."""

    def __init__(
        self,
        renderer: Pictures,
        folder: Store,
        model: ModelStamp,
        emit: Callable[[Message], None],
        stopping: Event,
    ) -> None:
        """folder: the campaign's folder. emit: called from two threads. stopping: set to begin no further picture."""
        self._renderer, self._folder, self._model = renderer, folder, model
        self._emit, self._stopping = emit, stopping
        self._host = renderer.host()
        self._delivery = ThreadPoolExecutor(1, thread_name_prefix="deliver")
        self._free = BoundedSemaphore(PENDING_DELIVERIES)
        self._preparing = self._mark = 0.0

    def render(self, tasks: Iterable[Task]) -> None:
        """Render a group; returns when the model is done with it, while its last pictures may still be on their way."""
        self._mark, waiting = time.perf_counter(), deque(tasks)
        if not self._stopping.is_set():
            self._prepare(tuple(waiting))
        while waiting and not self._stopping.is_set():
            self._stream(waiting)
        self._tally(0.0)

    def close(self) -> None:
        """Waits until everything is delivered."""
        self._delivery.shutdown(wait=True)

    def _prepare(self, tasks: Iterable[Task]) -> None:
        """Has a group prepared. What fails here fails once more, if it must, for its own variant alone."""
        start = time.perf_counter()
        with suppress(Exception):
            self._renderer.prepare(_prompting(task) for task in tasks)
        self._tally(time.perf_counter() - start)

    def _stream(self, waiting: deque[Task]) -> None:
        """Feed the renderer until `waiting` is empty or something is raised."""
        fed: deque[Task] = deque()
        began = len(waiting)
        try:
            pictures = iter(self._renderer.stream(self._requests(waiting, fed)))
            while True:
                start, self._preparing = time.perf_counter(), 0.0
                rendered = next(pictures, None)
                seconds = time.perf_counter() - start - self._preparing
                if rendered is None:
                    break
                task = fed.popleft()
                if isinstance(rendered, Failed):
                    self._tally(seconds)
                    self._fail(task, cause_of(rendered.cause))
                else:
                    self._hand_over(task, rendered, {"prepare": self._preparing, "model": seconds})
            for task in fed:
                self._fail(task, "the renderer gave no picture")
        except Exception as error:
            self._blame(error, fed, waiting, began)

    def _requests(self, waiting: deque[Task], fed: deque[Task]) -> Iterator[RenderRequest]:
        while waiting and not self._stopping.is_set():
            start = time.perf_counter()
            task = waiting.popleft()
            self._emit(Started(task.variant.render_key))
            try:
                request = _request(task)
            except Exception as error:
                self._fail(task, cause_of(error))
                continue
            finally:
                self._preparing += time.perf_counter() - start
            fed.append(task)
            yield request

    def _blame(self, error: Exception, fed: deque[Task], waiting: deque[Task], began: int) -> None:
        """Whose error is it? A renderer may be ahead of the pictures it gave: all that it was given are tried alone."""
        if len(fed) == 1:
            self._fail(fed[0], cause_of(error))
        elif not fed and len(waiting) == began:
            self._fail(waiting.popleft(), cause_of(error))
        else:
            for task in fed:
                self._stream(deque([task]))

    def _hand_over(self, task: Task, rendered: Rendered, timings: dict[str, float]) -> None:
        self._free.acquire()
        self._tally(timings["model"])
        self._delivery.submit(self._deliver, task, rendered, {**timings, **rendered.timings})

    def _tally(self, model: float) -> None:
        """Tells of the time since the last time, before the picture that took it is recorded."""
        now = time.perf_counter()
        self._emit(Tally(busy=now - self._mark, model=model))
        self._mark = now

    def _deliver(self, task: Task, rendered: Rendered, timings: dict[str, float]) -> None:
        variant = task.variant
        try:
            start = time.perf_counter()
            size = (variant.width, variant.height)
            if rendered.picture.size != size:
                raise BrandpressError(f"the renderer gave a picture of {rendered.picture.size}, asked were {size}")
            data = encode(rendered.picture, variant.format, Metadata(render_key=variant.render_key, tool=TOOL))
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
            self._free.release()

    def _fail(self, task: Task, cause: str) -> None:
        self._delivery.submit(self._record_failure, task, cause)

    def _record_failure(self, task: Task, cause: str) -> None:
        record = new_record(task.variant, self._model, "failed", task.attempts, cause)
        record = record.model_copy(update={"host": self._host})
        try:
            record = file_record(self._folder, record)
        except Exception as error:
            told = cause_of(error)
            record = record.model_copy(update={"cause": cause if cause == told else f"{cause}; {told}"})
        self._emit(Recorded(record))


def _prompting(task: Task) -> RenderRequest:
    """A task's request without its pictures, unless they decide what becomes of the prompt."""
    variant = task.variant
    return _request(task) if variant.upsample else _request(replace(task, variant=replace(variant, references=())))


def _request(task: Task) -> RenderRequest:
    variant = task.variant
    return RenderRequest(
        prompt=variant.prompt,
        references=tuple(open_reference(reference) for reference in variant.references),
        width=variant.width,
        height=variant.height,
        seed=variant.seed,
        steps=variant.steps,
        guidance=variant.guidance,
        negative_prompt=variant.negative_prompt,
        reference_pixels=variant.reference_pixels,
        upsample=variant.upsample,
    )
