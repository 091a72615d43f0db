"""The render loop: pictures become records, failures are values, and every variant is recorded once."""

from __future__ import annotations

import itertools
import json
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from brandpress.model.errors import HostedError
from brandpress.model.request import Failed, Rendered, RendererProtocol, RenderRequest
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.events import (
    Message,
    StoreWait,
    VariantOutOfMemory,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    Warned,
    WorkTime,
)
from brandpress.pipeline.render.worker.render_loop import DeviceLostError, RenderLoop
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.pipeline.deliver.records import MODEL, record, variant
from tests.stand_in import HostedStandIn, StandIn, draw


def render(
    renderer: RendererProtocol, folder: Store, variants: Iterable[Variant], stopping: Event | None = None
) -> list[Message]:
    """Renders one group and returns its messages."""
    messages: list[Message] = []
    loop = RenderLoop(renderer, folder, MODEL, messages.append, stopping or Event())
    loop.render(variants)
    loop.close()
    return messages


def records_of(messages: list[Message]) -> dict[str, Record]:
    """Records keyed by name. Fails if a name is recorded twice."""
    recorded = [message.record for message in messages if isinstance(message, VariantRecorded)]
    assert len({record.name for record in recorded}) == len(recorded)
    return {record.name: record for record in recorded}


def causes(messages: list[Message]) -> list[str | None]:
    """The causes in the order of names; None for done variants."""
    return [record.cause for _, record in sorted(records_of(messages).items())]


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


class Ahead(StandIn):
    """A renderer that reads requests in batches, and fails for a whole batch."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 4):
            yield from list(super().stream(batch))


def batches(requests: Iterable[RenderRequest], size: int) -> Iterator[tuple[RenderRequest, ...]]:
    iterator = iter(requests)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def test_a_picture_becomes_an_asset_and_a_record(folder: Store) -> None:
    messages = render(StandIn(), folder, [variant(0), variant(1)])
    first = records_of(messages)["mug/scene000"]
    data = folder.read(variant(0).asset)
    assert data is not None
    assert (first.status, first.asset, first.sha256, first.bytes) == (
        "done",
        variant(0).asset,
        sha256_hex(data),
        len(data),
    )
    assert first.host == {"device": "stand-in", "torch": "none", "driver": "none"}
    assert first.cache == {"text": 0}
    assert {"prepare", "model", "denoise", "encode"} <= first.timings.keys()
    assert json.loads(folder.read(first.key) or b"") == json.loads(first.to_json())
    picture = Image.open(Path(folder.uri) / variant(0).asset)
    assert picture.tobytes() == draw(RenderRequest(variant(0).prompt, (), 64, 64, 0, steps=4, guidance=1.0)).tobytes()


def test_what_a_lost_worker_has_delivered_is_not_rendered_again(folder: Store) -> None:
    """It is looked for right before it would be rendered, since a request may arrive after its worker's death."""
    deliver(folder, record(1), variant(1).asset, b"by the lost worker")
    deliver(folder, record(2), variant(2).asset, b"deleted later")
    folder.delete(variant(2).asset)
    messages = list[Message]()
    maybe_delivered = {variant(number).render_key for number in (1, 2, 3)}
    loop = RenderLoop(StandIn(), folder, MODEL, messages.append, Event(), maybe_delivered=maybe_delivered)
    loop.render(map(variant, range(4)))
    loop.close()
    assert [message.name for message in messages if isinstance(message, VariantStarted)] == [
        variant(number).name for number in (0, 2, 3)
    ]
    assert [one.status for one in records_of(messages).values()] == ["done"] * 4
    assert folder.read(variant(1).asset) == b"by the lost worker"


def test_a_picture_is_rendered_if_the_store_does_not_say_whether_it_is_there(
    folder: Store,
) -> None:
    class Unanswering(StoreWrapper):
        def read(self, key: str) -> bytes | None:
            raise StoreError(f"{key}: reading is not allowed", "key")

    messages = list[Message]()
    unanswering = Unanswering(folder)
    loop = RenderLoop(StandIn(), unanswering, MODEL, messages.append, Event(), maybe_delivered={variant(0).render_key})
    loop.render([variant(0)])
    loop.close()
    assert [one.status for one in records_of(messages).values()] == ["done"]


def test_a_store_that_is_out_of_reach_is_asked_once_and_never_makes_a_picture_overdue(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renderer that reads ahead has pictures in flight meanwhile, which would count as hung."""
    monkeypatch.setattr("brandpress.pipeline.render.worker.uploader.ANSWER_SECONDS", 0.0)
    lookups: list[str] = []

    class OutOfReach(StoreWrapper):
        def read(self, key: str) -> bytes | None:
            lookups.append(key)
            raise StoreError(f"{key}: no answer", "transient")

    messages = list[Message]()
    maybe_delivered = {variant(number).render_key for number in (1, 2, 3)}
    loop = RenderLoop(Ahead(), OutOfReach(folder), MODEL, messages.append, Event(), maybe_delivered=maybe_delivered)
    loop.render(map(variant, range(4)))
    loop.close()
    assert lookups == [record(1).key]
    assert [one.status for one in records_of(messages).values()] == ["done"] * 4
    waits = [one for one in messages if isinstance(one, StoreWait | VariantStarted)]
    assert waits[1:3] == [StoreWait(True), StoreWait(False)]
    assert len(waits) == 6


def test_the_renderers_host_fields_may_change(folder: Store) -> None:
    """Such as where its parts are offloaded to, which it knows after the first time."""

    class Offloading(StandIn):
        rendered = False

        def host(self) -> dict[str, str]:
            return super().host() | {"turns_from": "disk" if self.rendered else "memory"}

        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for picture in super().stream(requests):
                self.rendered = True
                yield picture

    (record,) = records_of(render(Offloading(), folder, [variant(0)])).values()
    assert record.host["turns_from"] == "disk"


def test_a_start_is_reported_before_the_record_and_time_is_counted(folder: Store) -> None:
    messages = render(StandIn(), folder, map(variant, range(5)))
    for number in range(5):
        key = variant(number).render_key
        starts = [
            index for index, message in enumerate(messages) if message == VariantStarted(key, variant(number).name)
        ]
        ends = [
            index for index, m in enumerate(messages) if isinstance(m, VariantRecorded) and m.record.render_key == key
        ]
        assert (len(starts), len(ends)) == (1, 1)
        assert starts < ends
    times = [message for message in messages if isinstance(message, WorkTime)]
    assert len(times) == 7
    assert all(0 <= time.model <= time.busy for time in times)


@pytest.mark.parametrize("renderer", [StandIn, Ahead])
@pytest.mark.parametrize("bad", [{0}, {2}, {6}, {1, 2}, set(range(7))])
def test_a_failing_variant_has_its_cause_and_the_others_are_done(
    folder: Store, renderer: type[StandIn], bad: set[int]
) -> None:
    variants = [
        replace(variant(number), prompt=f"{number} [raise]" if number in bad else f"{number}") for number in range(7)
    ]
    messages = render(renderer(), folder, variants)
    expected = ["RuntimeError: the stand-in was asked to fail" if number in bad else None for number in range(7)]
    assert causes(messages) == expected
    stored = {json.loads(folder.read(key) or b"")["name"] for key in folder.list("records/")}
    assert stored == {failed.name for failed in variants}


@pytest.mark.parametrize("renderer", [StandIn, HostedStandIn])
@pytest.mark.parametrize("bad", [{0}, {3}, {6}, {1, 2, 5}, set(range(7))])
def test_a_returned_failure_fails_its_variant_and_nothing_is_rendered_twice(
    folder: Store, renderer: type[StandIn], bad: set[int]
) -> None:
    requested: list[str] = []

    class Counting(renderer):  # type: ignore[misc, valid-type]
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            return super().stream(self._count(requests))  # type: ignore[no-any-return]

        def _count(self, requests: Iterable[RenderRequest]) -> Iterator[RenderRequest]:
            for request in requests:
                requested.append(request.prompt)
                yield request

    prompts = [f"{number} [refuse]" if number in bad else f"{number}" for number in range(7)]
    variants = [replace(variant(number), prompt=prompt) for number, prompt in enumerate(prompts)]
    messages = render(Counting(), folder, variants)
    assert causes(messages) == ["the stand-in was asked to refuse" if number in bad else None for number in range(7)]
    assert requested == prompts


def test_a_returned_failure_is_stripped_of_secrets(folder: Store) -> None:
    class Refusing(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for _ in requests:
                yield Failed(HostedError("https://user:secret@api.bfl.ai/v1?key=1: out of credits\nmore"))

    assert causes(render(Refusing(), folder, [variant(0)])) == ["https://api.bfl.ai/v1 out of credits"]


def test_the_request_has_all_fields_of_the_variant(folder: Store) -> None:
    received_requests: list[RenderRequest] = []

    class Recording(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for request in requests:
                received_requests.append(request)
                yield from super().stream([request])

    every_field = replace(
        variant(0), steps=None, guidance=None, negative_prompt="a blur", reference_pixels=4096, upsample=True
    )
    (record,) = records_of(render(Recording(), folder, [every_field])).values()
    (request,) = received_requests
    assert (request.steps, request.guidance, request.upsample) == (None, None, True)
    assert (request.negative_prompt, request.reference_pixels) == ("a blur", 4096)
    assert (record.steps, record.guidance, record.prompt_upsampled) == (None, None, "a mug, scene 0, rewritten")
    assert (record.prompt, record.negative_prompt, record.reference_pixels) == ("a mug, scene 0", "a blur", 4096)


def test_the_size_that_a_picture_was_enlarged_from_is_in_its_record(folder: Store) -> None:
    class Enlarging(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for result in super().stream(requests):
                yield replace(result, enlarged_from=(32, 16))

    assert records_of(render(Enlarging(), folder, [variant(0)]))["mug/scene000"].enlarged_from == "32x16"
    assert records_of(render(StandIn(), folder, [variant(1)]))["mug/scene001"].enlarged_from is None


def test_the_cost_of_a_picture_is_in_its_record(folder: Store) -> None:
    records = records_of(render(HostedStandIn(), folder, [replace(variant(0), prompt="[refuse]"), variant(1)]))
    assert [record.cost for _, record in sorted(records.items())] == [None, 4.5]
    assert records_of(render(StandIn(), folder, [variant(2)]))["mug/scene002"].cost is None


class Preparing(StandIn):
    """A renderer that records what it prepares, and may fail there."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.prepared: list[tuple[str, int]] = []
        self._failure = failure

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        for request in requests:
            self.prepared.append((request.prompt, len(request.references)))
        if self._failure:
            raise self._failure


def test_a_group_is_prepared_before_it_is_streamed(folder: Store) -> None:
    renderer = Preparing()
    messages = render(renderer, folder, map(variant, range(3)))
    assert renderer.prepared == [(variant(number).prompt, 0) for number in range(3)]
    assert isinstance(messages[0], WorkTime)
    assert causes(messages) == [None] * 3


def test_references_are_opened_for_preparing_only_if_they_decide_the_prompt(folder: Store, tmp_path: Path) -> None:
    renderer = Preparing()
    missing = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    without_file = replace(variant(1), references=(missing,))
    messages = render(
        renderer,
        folder,
        [variant(0), without_file, variant(2), replace(variant(3), references=(missing,), upsample=True)],
    )
    assert [prompt for prompt, _ in renderer.prepared] == [variant(number).prompt for number in range(3)]
    assert [bool(cause) for cause in causes(messages)] == [False, True, False, True]


def test_a_missing_reference_fails_each_of_its_variants(folder: Store, tmp_path: Path) -> None:
    missing = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    messages = render(Preparing(), folder, [replace(variant(number), references=(missing,)) for number in range(2)])
    assert all("can't be read" in str(cause) for cause in causes(messages))


@pytest.mark.parametrize("failure", [RuntimeError("no memory"), AttributeError("prepare")])
def test_a_group_that_cannot_be_prepared_is_rendered_anyway(folder: Store, failure: Exception) -> None:
    variants = [replace(variant(number), prompt="[raise]" if number == 1 else f"{number}") for number in range(4)]
    expected = [None, "RuntimeError: the stand-in was asked to fail", None, None]
    messages = render(Preparing(failure), folder, variants)
    assert causes(messages) == expected
    (warning,) = {message.text for message in messages if isinstance(message, Warned)}
    assert warning.startswith("preparing pictures together failed, so each is prepared alone: ")
    assert str(failure) in warning


def test_nothing_is_prepared_after_stop(folder: Store) -> None:
    stopping = Event()
    stopping.set()
    renderer = Preparing()
    assert records_of(render(renderer, folder, [variant(0)], stopping)) == {}
    assert renderer.prepared == []


def test_a_missing_reference_fails_only_its_variant(folder: Store, tmp_path: Path) -> None:
    missing = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    messages = render(StandIn(), folder, [variant(0), replace(variant(1), references=(missing,)), variant(2)])
    assert [bool(cause) for cause in causes(messages)] == [False, True, False]


class Odd(StandIn):
    """A renderer that breaks its contract in the given way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self._way = way

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        if self._way == "raises before it reads a request":
            raise RuntimeError("no")
        if self._way == "reads all requests and yields nothing":
            list(requests)
            return
        for rendered in super().stream(requests):
            assert isinstance(rendered, Rendered)
            yield Rendered(rendered.picture.resize((32, 32)))


@pytest.mark.parametrize(
    ("way", "cause"),
    [
        ("raises before it reads a request", "RuntimeError: no"),
        ("reads all requests and yields nothing", "the renderer returned no picture"),
        ("yields another size", "the picture has 32x32 pixels, and 64x64 were asked for"),
    ],
)
def test_a_renderer_that_breaks_its_contract_fails_variants_and_does_not_hang(
    folder: Store, way: str, cause: str
) -> None:
    assert causes(render(Odd(way), folder, map(variant, range(3)))) == [cause] * 3


class FullDisk:
    """A folder whose disk is full for keys with a prefix."""

    def __init__(self, folder: Store, full: str) -> None:
        self._folder, self._full, self.uri = folder, full, folder.uri

    def __getattr__(self, name: str) -> object:
        return getattr(self._folder, name)

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        if key.startswith(self._full):
            raise StoreError(f"{key}: the disk is full", "key")
        return self._folder.create(key, data, content_type)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        if key.startswith(self._full):
            raise StoreError(f"{key}: the disk is full", "key")
        return self._folder.replace(key, data, content_type, expected)


@pytest.mark.parametrize(("full", "stored"), [("assets/mug/scene001", True), ("", False)])
def test_a_store_error_fails_the_variant_and_not_the_worker(folder: Store, full: str, stored: bool) -> None:
    messages = render(StandIn(), FullDisk(folder, full), [variant(1)])  # type: ignore[arg-type]
    (cause,) = causes(messages)
    assert cause is not None
    assert "the disk is full" in cause
    assert (folder.stat(f"records/{variant(1).render_key}.json") is not None) == stored


class Hungry(StandIn):
    """Reads two requests at a time, and runs out of memory for some prompts."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 2):
            if len(batch) > 1 and any("[large]" in request.prompt for request in batch):
                raise MemoryError
            if any("[huge]" in request.prompt for request in batch):
                raise RuntimeError("CUDA out of memory")
            yield from list(super().stream(batch))


def test_running_out_of_memory_alone_is_reported_and_not_recorded(folder: Store) -> None:
    prompts = ["small", "[large]", "small", "[huge]", "small"]
    messages = render(Hungry(), folder, [replace(variant(n), prompt=prompt) for n, prompt in enumerate(prompts)])
    assert {record.status for record in records_of(messages).values()} == {"done"}
    assert len(records_of(messages)) == 4
    (failed,) = [message for message in messages if isinstance(message, VariantOutOfMemory)]
    assert (failed.render_key, failed.cause.text) == (variant(3).render_key, "RuntimeError: CUDA out of memory")
    assert failed.cause.traceback


def test_a_variant_is_reported_as_rendered_before_it_is_recorded(folder: Store) -> None:
    messages = render(Ahead(), folder, [*map(variant, range(5)), replace(variant(5), prompt="[raise]")])
    for number in range(5):
        key = variant(number).render_key
        done = messages.index(VariantRendered(key))
        (end,) = [i for i, m in enumerate(messages) if isinstance(m, VariantRecorded) and m.record.render_key == key]
        assert messages.index(VariantStarted(key, variant(number).name)) < done < end
    assert VariantRendered(variant(5).render_key) not in messages


def test_stop_finishes_the_current_picture_and_starts_no_other(folder: Store) -> None:
    stopping = Event()

    class Stopped(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for rendered in super().stream(requests):
                stopping.set()
                yield rendered

    messages = render(Stopped(), folder, map(variant, range(4)), stopping)
    assert list(records_of(messages)) == ["mug/scene000"]
    assert len(list(folder.list("assets/"))) == 1


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_every_format_is_delivered(folder: Store, format: str) -> None:
    (record,) = records_of(render(StandIn(), folder, [replace(variant(0), format=format)])).values()
    assert record.status == "done"
    assert Image.open(Path(folder.uri) / str(record.asset)).format == format.upper()


class Held:
    """Stands in for a tensor whose release the test observes."""


class Holding(StandIn):
    """Reads two requests at a time. A failed attempt holds objects in its frames, as a pass over the model holds
    tensors; records which of them are alive when the next attempt starts."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.alive: list[list[bool]] = [[]]
        self.released = 0
        self._failure = failure
        self._held: list[weakref.ref[Held]] = []

    def release(self) -> None:
        self.released += 1
        self.alive[-1] += [held() is not None for held in self._held]

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        self._attempt(list(requests), 3)

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 2):
            self.alive.append([held() is not None for held in self._held])
            outer = Held()
            self._held.append(weakref.ref(outer))
            self._attempt(list(batch), 1)
            yield from list(super().stream(batch))

    def _attempt(self, batch: list[RenderRequest], most: int) -> None:
        inner = Held()
        self._held.append(weakref.ref(inner))
        if len(batch) > most:
            try:
                self._lower()
            except LookupError:
                raise self._failure from None

    def _lower(self) -> None:
        lowest = Held()
        self._held.append(weakref.ref(lowest))
        raise LookupError


@pytest.mark.parametrize(
    ("failure", "released"), [(RuntimeError("CUDA out of memory"), 3), (RuntimeError("something else"), 0)]
)
def test_a_retry_starts_after_the_failed_attempt_is_freed(folder: Store, failure: Exception, released: int) -> None:
    """Even if something else keeps the exception alive."""
    renderer = Holding(failure)
    messages = render(renderer, folder, map(variant, range(4)))
    assert causes(messages) == [None] * 4
    assert len(renderer.alive) == 1 + 6
    assert not any(alive for attempt in renderer.alive for alive in attempt)
    assert renderer.released == released


def test_what_preparing_held_is_freed_before_the_stream_starts(folder: Store) -> None:
    renderer = Holding(MemoryError())
    messages = render(renderer, folder, map(variant, range(4)))
    assert causes(messages) == [None] * 4
    assert not any(alive for attempt in renderer.alive for alive in attempt)


@pytest.mark.parametrize("renderer", [StandIn, Ahead])
def test_a_lost_device_ends_the_loop_and_fails_no_variant(folder: Store, renderer: type[StandIn]) -> None:
    messages: list[Message] = []
    loop = RenderLoop(renderer(), folder, MODEL, messages.append, Event())
    prompts = ["0", "1", "2", "3", "4 [lose]", "5", "6"]
    with pytest.raises(DeviceLostError, match="CUDA error: an illegal memory access was encountered") as caught:
        loop.render(replace(variant(number), prompt=prompt) for number, prompt in enumerate(prompts))
    loop.close()
    assert caught.value.cause.traceback
    assert causes(messages) == [None] * 4
    assert not any(isinstance(message, VariantOutOfMemory) for message in messages)


def test_a_device_lost_while_a_group_is_prepared_ends_the_loop(folder: Store) -> None:
    with pytest.raises(DeviceLostError, match="device-side assert"):
        render(Preparing(RuntimeError("CUDA error: device-side assert triggered")), folder, [variant(0)])


def test_memory_that_cannot_be_released_ends_the_loop(folder: Store) -> None:
    class Stuck(StandIn):
        def release(self) -> None:
            raise RuntimeError("the allocator is broken")

    with pytest.raises(DeviceLostError, match="RuntimeError: the allocator is broken"):
        render(Stuck(), folder, [replace(variant(0), prompt="[exhaust]")])


@pytest.mark.parametrize(
    ("prompt", "cause"),
    [("[flat]", "every pixel of the picture has the colour #000000"), ("[noise]", "the picture is white noise")],
)
def test_an_unusable_picture_fails_and_is_not_delivered(folder: Store, prompt: str, cause: str) -> None:
    flat, good = replace(variant(0), prompt=prompt), variant(1)
    messages = render(StandIn(), folder, [flat, good])
    assert causes(messages) == [cause, None]
    assert folder.read(flat.asset) is None
    assert folder.read(good.asset) is not None
    assert [message.unusable for message in messages if isinstance(message, VariantRecorded)].count(True) == 1
    assert [m.render_key for m in messages if isinstance(m, VariantRendered)] == [good.render_key]
    stored = folder.read(f"records/{flat.render_key}.json")
    assert stored is not None
    assert json.loads(stored)["status"] == "failed"
