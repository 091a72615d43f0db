"""A renderer and a store in one process: variants in, records out. Knows nothing of Ray.

While the model makes the next pictures, threads open the references to come and deliver what is done.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Event

from brandpress.model.errors import BrandpressError
from brandpress.model.request import Failed, Rendered, RendererProtocol, RenderRequest
from brandpress.pipeline.deliver.record import ModelStamp
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of, is_device_lost, is_out_of_memory, take_cause
from brandpress.pipeline.render.events import Exhausted, Message, Pictured, Started, Tally
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.render.worker.uploader import Uploader
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class _Fed:
    """A variant that the renderer was given, and the seconds that its request took."""

    variant: Variant
    prepare: float


class DeviceLostError(BrandpressError):
    """The renderer's device failed in a way that leaves nothing to be done for this process."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Failure:
    """What is kept of an error: nothing that holds what the failed attempt had in memory."""

    cause: Cause
    out_of_memory: bool
    device_lost: bool

    @classmethod
    def of(cls, error: Exception) -> _Failure:
        if isinstance(error, DeviceLostError):  # of the group that follows, while the renderer asked for a request
            return cls(error.cause, out_of_memory=False, device_lost=True)
        return cls(take_cause(error), is_out_of_memory(error), is_device_lost(error))


class RenderLoop:
    """One renderer at work. Failure is a value: a variant that fails gets a record with its cause, the rest goes on."""

    def __init__(
        self,
        renderer: RendererProtocol,
        folder: Store,
        model: ModelStamp,
        emit: Callable[[Message], None],
        stopping: Event,
        references: References | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """folder: the campaign's folder. emit: called from any thread. stopping: set to begin no further picture.
        references: where they are opened. patience: with a store that fails."""
        self._renderer, self._emit, self._stopping = renderer, emit, stopping
        self._references = references or References()
        self._courier = Uploader(folder, model, renderer.host(), emit, retry_policy)
        self._preparing = self._mark = 0.0

    def render(self, variants: Iterable[Variant], more: Callable[[], Iterable[Variant]] = tuple) -> None:
        """Render a group; returns when the model is done with it, while its last pictures may still be on their way.

        more: gives the group that follows, nothing if there's none yet. It's asked for when the renderer wants another
        request than the last, so that nothing is waited for between groups. Raises DeviceLostError; variants that were
        begun and aren't done are recorded by nobody then.
        """
        waiting: deque[Variant] = deque()
        self._mark, self._preparing = time.perf_counter(), 0.0
        self._extend(waiting, variants)
        self._tally(time.perf_counter() - self._mark - self._preparing)
        while waiting and not self._stopping.is_set():
            self._stream(waiting, more)
        self._tally(0.0)

    def close(self) -> None:
        """Waits until everything is delivered."""
        self._courier.close()
        self._references.close()

    def _extend(self, waiting: deque[Variant], variants: Iterable[Variant]) -> None:
        """Has a group prepared. What fails here fails once more, if it must, for its own variant alone."""
        group = tuple(variants)
        waiting.extend(group)
        if group and not self._stopping.is_set():
            failure = self._prepare(group)
            if failure is not None:
                self._recover(failure)

    def _prepare(self, group: Iterable[Variant]) -> _Failure | None:
        try:
            self._renderer.prepare(map(self._prompting, group))
        except Exception as error:
            return _Failure.of(error)
        return None

    def _stream(self, waiting: deque[Variant], more: Callable[[], Iterable[Variant]] = tuple) -> None:
        """Feed the renderer until `waiting` is empty and there's no more, or something is raised."""
        fed: deque[_Fed] = deque()
        next_variant = waiting[0]
        failure = self._feed(waiting, fed, more)
        if failure is None:
            return
        self._recover(failure)
        self._blame(failure, fed, waiting, untouched=bool(waiting) and waiting[0] is next_variant)

    def _feed(
        self, waiting: deque[Variant], fed: deque[_Fed], more: Callable[[], Iterable[Variant]]
    ) -> _Failure | None:
        """What was raised. The renderer's iterator, and with it all that a failed attempt held, ends with this call."""
        try:
            pictures = iter(self._renderer.stream(self._requests(waiting, fed, more)))
            while True:
                start, self._preparing = time.perf_counter(), 0.0
                rendered = next(pictures, None)
                # The renderer reads ahead: what it waited for the requests of other pictures isn't the model's time.
                seconds = time.perf_counter() - start - self._preparing
                if rendered is None:
                    break
                self._courier.host = dict(self._renderer.host())
                given = fed.popleft()
                if isinstance(rendered, Failed):
                    self._tally(seconds)
                    self._courier.fail(given.variant, cause_of(rendered.cause))
                else:
                    self._emit(Pictured(given.variant.render_key))
                    self._courier.make_room(rendered)
                    self._tally(seconds)
                    self._courier.take(given.variant, rendered, _timings(given.prepare, seconds, rendered))
            for given in fed:
                self._courier.fail(given.variant, Cause("the renderer gave no picture"))
        except Exception as error:
            return _Failure.of(error)
        return None

    def _requests(
        self, waiting: deque[Variant], fed: deque[_Fed], more: Callable[[], Iterable[Variant]]
    ) -> Iterator[RenderRequest]:
        while not self._stopping.is_set():
            if not waiting:
                self._extend(waiting, more())
            if not waiting:
                return
            before = self._preparing
            variant = waiting.popleft()
            self._emit(Started(variant.render_key))
            try:
                request = self._request(variant)
            except Exception as error:
                self._courier.fail(variant, cause_of(error))
                continue
            if waiting:
                self._references.ahead(waiting[0].references)
            fed.append(_Fed(variant, self._preparing - before))
            yield request

    def _recover(self, failure: _Failure) -> None:
        """Make the renderer fit for another attempt. Raises DeviceLostError."""
        if failure.device_lost:
            raise DeviceLostError(failure.cause)
        if not failure.out_of_memory:
            return
        try:
            self._renderer.release()
        except Exception as error:
            raise DeviceLostError(take_cause(error)) from None

    def _blame(self, failure: _Failure, fed: deque[_Fed], waiting: deque[Variant], *, untouched: bool) -> None:
        """Whose error is it? A renderer may be ahead of the pictures it gave: all that it was given are tried alone.
        untouched: it hadn't asked for any."""
        if len(fed) == 1:
            self._failed(fed[0].variant, failure)
        elif untouched:
            self._failed(waiting.popleft(), failure)
        else:
            for given in fed:
                self._stream(deque([given.variant]))

    def _failed(self, variant: Variant, failure: _Failure) -> None:
        """A variant failed alone."""
        if failure.out_of_memory:
            self._emit(Exhausted(variant.render_key, failure.cause))
        else:
            self._courier.fail(variant, failure.cause)

    def _tally(self, model: float) -> None:
        """Tells of the time since the last time, before the picture that took it is recorded."""
        now = time.perf_counter()
        self._emit(Tally(busy=now - self._mark, model=model))
        self._mark = now

    def _prompting(self, variant: Variant) -> RenderRequest:
        """A variant's request without its pictures, unless they decide what becomes of the prompt."""
        return self._request(variant if variant.upsample else replace(variant, references=()))

    def _request(self, variant: Variant) -> RenderRequest:
        start = time.perf_counter()
        try:
            references = tuple(map(self._references.open, variant.references))
        finally:
            self._preparing += time.perf_counter() - start
        return RenderRequest(
            prompt=variant.prompt,
            references=references,
            width=variant.width,
            height=variant.height,
            seed=variant.seed,
            **variant.sampling_values(),
        )


def _timings(prepare: float, waited: float, rendered: Rendered) -> dict[str, float]:
    """Seconds per stage. model: what the renderer's stages add up to, which tell pictures of one batch apart; where
    it tells of none, how long it was waited for."""
    model = sum(rendered.timings.values()) if rendered.timings else waited
    return {"prepare": prepare, "model": model, **rendered.timings}
