"""Renders groups of variants with one renderer and records the results. Independent of Ray.

While the model renders, threads open the next references and upload finished pictures.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from threading import Event

from brandpress.model.errors import AccountError, BrandpressError
from brandpress.model.request import Failed, Rendered, RendererProtocol, RenderRequest
from brandpress.pipeline.deliver.record import ModelStamp
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of, is_device_lost, is_out_of_memory, take_cause
from brandpress.pipeline.render.events import (
    Message,
    RendererBlocked,
    VariantOutOfMemory,
    VariantRendered,
    VariantStarted,
    Warned,
    WorkTime,
)
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.picture_check import usable
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.render.worker.uploader import Uploader
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class _Submitted:
    """A variant that the renderer has received, and the seconds spent on preparing its request."""

    variant: Variant
    prepare_seconds: float


class DeviceLostError(BrandpressError):
    """The renderer's device failed, and this process can't use it any more."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error without its frames, which would keep the failed attempt's tensors alive."""

    cause: Cause
    out_of_memory: bool
    device_lost: bool

    @classmethod
    def of(cls, error: Exception) -> _Failure:
        if isinstance(error, DeviceLostError):  # raised for the next group, while the renderer asked for a request
            return cls(error.cause, out_of_memory=False, device_lost=True)
        return cls(take_cause(error), is_out_of_memory(error), is_device_lost(error))


class RenderLoop:
    """Feeds one renderer. A variant that fails gets a record with its cause; the others continue."""

    def __init__(
        self,
        renderer: RendererProtocol,
        folder: Store,
        model: ModelStamp,
        emit: Callable[[Message], None],
        stopping: Event,
        references: References | None = None,
        retry_policy: RetryPolicy | None = None,
        marking: Marking | None = None,
        maybe_delivered: Set[str] = frozenset(),
        threads: int | None = None,
    ) -> None:
        """folder: the campaign's folder. emit: receives messages, from any thread. stopping: set it to start no more
        pictures. marking: how pictures are marked. maybe_delivered: render keys of variants that a lost worker may have
        delivered; they are looked for in the store at the last moment, and not rendered if they are there. May grow.
        threads: the model's CPU threads, which records have if it renders on a CPU; None: they aren't recorded.
        """
        self._renderer, self._emit, self._stopping = renderer, emit, stopping
        self._references = references or References()
        self._maybe_delivered = maybe_delivered
        self._threads = threads
        self._uploader = Uploader(folder, model, self._host(), emit, retry_policy, marking)
        self._prepare_seconds = self._last_reported = 0.0

    def render(self, variants: Iterable[Variant], next_group: Callable[[], Iterable[Variant]] = tuple) -> None:
        """Renders a group. Returns when the model has finished it; its last pictures may still be uploading.

        next_group: returns the next group, or nothing if none is queued yet. It is called when the renderer asks for a
        request beyond the last one, so that it never waits between groups. Raises DeviceLostError; variants that were
        started but not finished then have no record.
        """
        waiting: deque[Variant] = deque()
        self._last_reported, self._prepare_seconds = time.perf_counter(), 0.0
        self._add_group(waiting, variants)
        self._report_time(time.perf_counter() - self._last_reported - self._prepare_seconds)
        while waiting and not self._stopping.is_set():
            self._stream(waiting, next_group)
        self._report_time(0.0)

    def close(self) -> None:
        """Waits until everything is recorded."""
        self._uploader.close()
        self._references.close()

    def _add_group(self, waiting: deque[Variant], variants: Iterable[Variant]) -> None:
        """Prepares a group. An error here fails no variant, unless it recurs when the variant is rendered, but is told:
        without preparation, every picture may take much longer."""
        group = tuple(variants)
        waiting.extend(group)
        if group and not self._stopping.is_set():
            failure = self._prepare(group)
            if failure is not None:
                self._recover(failure)
                self._emit(
                    Warned(f"preparing pictures together failed, so each is prepared alone: {failure.cause.text}")
                )

    def _prepare(self, group: Iterable[Variant]) -> _Failure | None:
        try:
            self._renderer.prepare(map(self._prompt_request, group))
        except Exception as error:
            return _Failure.of(error)
        return None

    def _stream(self, waiting: deque[Variant], next_group: Callable[[], Iterable[Variant]] = tuple) -> None:
        """Feeds the renderer until `waiting` is empty and no group follows, or until an error."""
        submitted: deque[_Submitted] = deque()
        first = waiting[0]
        failure = self._feed(waiting, submitted, next_group)
        if failure is None:
            return
        self._recover(failure)
        self._retry(failure, submitted, waiting, untouched=bool(waiting) and waiting[0] is first)

    def _feed(
        self, waiting: deque[Variant], submitted: deque[_Submitted], next_group: Callable[[], Iterable[Variant]]
    ) -> _Failure | None:
        """Returns the error, if one was raised. The renderer's iterator, and whatever a failed attempt held, is freed
        when this method returns."""
        try:
            pictures = iter(self._renderer.stream(self._requests(waiting, submitted, next_group)))
            while True:
                start, self._prepare_seconds = time.perf_counter(), 0.0
                rendered = next(pictures, None)
                # The renderer reads ahead: the time it waited for other pictures' requests isn't model time.
                seconds = time.perf_counter() - start - self._prepare_seconds
                if rendered is None:
                    break
                self._uploader.host = self._host()
                current = submitted.popleft()
                rendered = usable(rendered, (current.variant.width, current.variant.height))
                if isinstance(rendered, Failed):
                    self._report_time(seconds)
                    self._report_failure(current.variant, rendered.cause)
                else:
                    self._emit(VariantRendered(current.variant.render_key))
                    self._uploader.reserve(rendered)
                    self._report_time(seconds)
                    timings = _timings(current.prepare_seconds, seconds, rendered)
                    self._uploader.upload(current.variant, rendered, timings)
            for left in submitted:
                self._uploader.record_failure(left.variant, Cause("the renderer returned no picture"))
        except Exception as error:
            return _Failure.of(error)
        return None

    def _report_failure(self, variant: Variant, error: Exception) -> None:
        if isinstance(error, AccountError):  # counts as no attempt of this variant
            self._emit(RendererBlocked(variant.render_key, cause_of(error).text))
        else:
            self._uploader.record_failure(variant, cause_of(error))

    def _requests(
        self, waiting: deque[Variant], submitted: deque[_Submitted], next_group: Callable[[], Iterable[Variant]]
    ) -> Iterator[RenderRequest]:
        while not self._stopping.is_set():
            if not waiting:
                self._add_group(waiting, next_group())
            if not waiting:
                return
            before = self._prepare_seconds
            variant = waiting.popleft()
            if variant.render_key in self._maybe_delivered and self._uploader.report_delivered(variant):
                continue
            self._emit(VariantStarted(variant.render_key, variant.name))
            try:
                request = self._request(variant)
            except Exception as error:
                self._uploader.record_failure(variant, cause_of(error))
                continue
            if waiting:
                self._references.open_ahead(waiting[0].references)
            submitted.append(_Submitted(variant, self._prepare_seconds - before))
            yield request

    def _host(self) -> dict[str, str]:
        """The renderer's machine. On a CPU, pixels depend on the number of threads by rounding."""
        host = dict(self._renderer.host())
        return host | {"threads": str(self._threads)} if self._threads and host.get("device") == "cpu" else host

    def _recover(self, failure: _Failure) -> None:
        """Frees the renderer's memory if it ran out. Raises DeviceLostError if the renderer can't be used any more."""
        if failure.device_lost:
            raise DeviceLostError(failure.cause)
        if not failure.out_of_memory:
            return
        try:
            self._renderer.release()
        except Exception as error:
            raise DeviceLostError(take_cause(error)) from None

    def _retry(
        self, failure: _Failure, submitted: deque[_Submitted], waiting: deque[Variant], *, untouched: bool
    ) -> None:
        """Renders each submitted variant alone to find out which one failed, because a renderer may read ahead.

        untouched: the renderer hadn't asked for any variant.
        """
        if len(submitted) == 1:
            self._fail(submitted[0].variant, failure)
        elif untouched:
            self._fail(waiting.popleft(), failure)
        else:
            for suspect in submitted:
                self._stream(deque([suspect.variant]))

    def _fail(self, variant: Variant, failure: _Failure) -> None:
        """Reports a variant that failed alone."""
        if failure.out_of_memory:
            self._emit(VariantOutOfMemory(variant.render_key, failure.cause))
        else:
            self._uploader.record_failure(variant, failure.cause)

    def _report_time(self, model_seconds: float) -> None:
        """Reports the time since the last report. Called before the picture that took it is recorded."""
        now = time.perf_counter()
        self._emit(WorkTime(busy=now - self._last_reported, model=model_seconds))
        self._last_reported = now

    def _prompt_request(self, variant: Variant) -> RenderRequest:
        """A variant's request, with its pictures only if the prompt is rewritten, which depends on them."""
        return self._request(variant if variant.upsample else replace(variant, references=()))

    def _request(self, variant: Variant) -> RenderRequest:
        start = time.perf_counter()
        try:
            references = tuple(map(self._references.open, variant.references))
        finally:
            self._prepare_seconds += time.perf_counter() - start
        return RenderRequest(
            prompt=variant.prompt,
            references=references,
            width=variant.width,
            height=variant.height,
            seed=variant.seed,
            **variant.sampling_values(),
        )


def _timings(prepare_seconds: float, waited_seconds: float, rendered: Rendered) -> dict[str, float]:
    """Seconds per stage. `model` is the sum of the renderer's stages, which differ within a batch; if it reports none,
    the time we waited for the picture."""
    model = sum(rendered.timings.values()) if rendered.timings else waited_seconds
    return {"prepare": prepare_seconds, "model": model, **rendered.timings}
