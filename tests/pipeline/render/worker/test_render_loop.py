"""The press: pictures become records, failure is a value, and every variant is recorded once, whatever happens."""

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
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.events import Exhausted, Message, Pictured, Recorded, Started, Tally
from brandpress.pipeline.render.worker.render_loop import DeviceLostError, RenderLoop
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.pipeline.deliver.records import MODEL, variant
from tests.stand_in import Service, StandIn, draw


def press(
    renderer: RendererProtocol, folder: Store, variants: Iterable[Variant], stopping: Event | None = None
) -> list[Message]:
    """The messages of one group."""
    messages: list[Message] = []
    made = RenderLoop(renderer, folder, MODEL, messages.append, stopping or Event())
    made.render(variants)
    made.close()
    return messages


def records_of(messages: list[Message]) -> dict[str, Record]:
    """Name -> record; each name once."""
    recorded = [message.record for message in messages if isinstance(message, Recorded)]
    assert len({record.name for record in recorded}) == len(recorded)
    return {record.name: record for record in recorded}


def causes(messages: list[Message]) -> list[str | None]:
    """Of the variants in order; None for those that are done."""
    return [record.cause for _, record in sorted(records_of(messages).items())]


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


class Ahead(StandIn):
    """A renderer that takes requests in batches before it gives pictures, and fails for a whole batch."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 4):
            yield from list(super().stream(batch))


def batches(requests: Iterable[RenderRequest], size: int) -> Iterator[tuple[RenderRequest, ...]]:
    iterator = iter(requests)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def test_a_picture_becomes_an_asset_and_a_record_of_all_that_made_it(folder: Store) -> None:
    messages = press(StandIn(), folder, [variant(0), variant(1)])
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
    shown = Image.open(Path(folder.uri) / variant(0).asset)
    assert shown.tobytes() == draw(RenderRequest(variant(0).prompt, (), 64, 64, 0, 4, 1.0)).tobytes()


def test_what_the_renderer_says_of_itself_may_change(folder: Store) -> None:
    """Such as where its parts are offloaded to, which it knows after the first time."""

    class Offloading(StandIn):
        rendered = False

        def host(self) -> dict[str, str]:
            return super().host() | {"turns_from": "disk" if self.rendered else "memory"}

        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for picture in super().stream(requests):
                self.rendered = True
                yield picture

    (record,) = records_of(press(Offloading(), folder, [variant(0)])).values()
    assert record.host["turns_from"] == "disk"


def test_what_starts_is_told_before_it_is_recorded_and_time_is_counted(folder: Store) -> None:
    messages = press(StandIn(), folder, map(variant, range(5)))
    for number in range(5):
        key = variant(number).render_key
        starts = [index for index, message in enumerate(messages) if message == Started(key)]
        ends = [index for index, m in enumerate(messages) if isinstance(m, Recorded) and m.record.render_key == key]
        assert (len(starts), len(ends)) == (1, 1)
        assert starts < ends
    tallies = [message for message in messages if isinstance(message, Tally)]
    assert len(tallies) == 7
    assert all(0 <= tally.model <= tally.busy for tally in tallies)


@pytest.mark.parametrize("renderer", [StandIn, Ahead])
@pytest.mark.parametrize("bad", [{0}, {2}, {6}, {1, 2}, set(range(7))])
def test_a_failing_variant_has_its_cause_and_the_rest_is_done(
    folder: Store, renderer: type[StandIn], bad: set[int]
) -> None:
    variants = [
        replace(variant(number), prompt=f"{number} [raise]" if number in bad else f"{number}") for number in range(7)
    ]
    messages = press(renderer(), folder, variants)
    expected = ["RuntimeError: the stand-in was asked to fail" if number in bad else None for number in range(7)]
    assert causes(messages) == expected
    stored = {json.loads(folder.read(key) or b"")["name"] for key in folder.list("records/")}
    assert stored == {given.name for given in variants}


@pytest.mark.parametrize("renderer", [StandIn, Service])
@pytest.mark.parametrize("bad", [{0}, {3}, {6}, {1, 2, 5}, set(range(7))])
def test_a_failure_in_place_of_a_picture_fails_its_variant_and_nothing_is_rendered_twice(
    folder: Store, renderer: type[StandIn], bad: set[int]
) -> None:
    asked: list[str] = []

    class Counting(renderer):  # type: ignore[misc, valid-type]
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            return super().stream(self._count(requests))  # type: ignore[no-any-return]

        def _count(self, requests: Iterable[RenderRequest]) -> Iterator[RenderRequest]:
            for request in requests:
                asked.append(request.prompt)
                yield request

    prompts = [f"{number} [refuse]" if number in bad else f"{number}" for number in range(7)]
    variants = [replace(variant(number), prompt=prompt) for number, prompt in enumerate(prompts)]
    messages = press(Counting(), folder, variants)
    assert causes(messages) == ["the stand-in was asked to refuse" if number in bad else None for number in range(7)]
    assert asked == prompts


def test_a_failures_cause_is_told_as_any_other(folder: Store) -> None:
    class Refusing(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for _ in requests:
                yield Failed(HostedError("https://user:secret@api.bfl.ai/v1?key=1: out of credits\nmore"))

    assert causes(press(Refusing(), folder, [variant(0)])) == ["https://api.bfl.ai/v1 out of credits"]


def test_the_request_has_all_that_the_variant_asks_for(folder: Store) -> None:
    seen: list[RenderRequest] = []

    class Seeing(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for request in requests:
                seen.append(request)
                yield from super().stream([request])

    asked = replace(
        variant(0), steps=None, guidance=None, negative_prompt="a blur", reference_pixels=4096, upsample=True
    )
    (record,) = records_of(press(Seeing(), folder, [asked])).values()
    (request,) = seen
    assert (request.steps, request.guidance, request.upsample) == (None, None, True)
    assert (request.negative_prompt, request.reference_pixels) == ("a blur", 4096)
    assert (record.steps, record.guidance, record.prompt_upsampled) == (None, None, "a mug, scene 0, rewritten")
    assert (record.prompt, record.negative_prompt, record.reference_pixels) == ("a mug, scene 0", "a blur", 4096)


def test_what_a_picture_cost_is_in_its_record(folder: Store) -> None:
    records = records_of(press(Service(), folder, [replace(variant(0), prompt="[refuse]"), variant(1)]))
    assert [record.cost for _, record in sorted(records.items())] == [None, 4.5]
    assert records_of(press(StandIn(), folder, [variant(2)]))["mug/scene002"].cost is None


class Preparing(StandIn):
    """A renderer that notes what it's given ahead, and may fail there."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.ahead: list[tuple[str, int]] = []
        self._failure = failure

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        for request in requests:
            self.ahead.append((request.prompt, len(request.references)))
        if self._failure:
            raise self._failure


def test_a_group_is_prepared_before_it_is_streamed(folder: Store) -> None:
    renderer = Preparing()
    messages = press(renderer, folder, map(variant, range(3)))
    assert renderer.ahead == [(variant(number).prompt, 0) for number in range(3)]
    assert isinstance(messages[0], Tally)
    assert causes(messages) == [None] * 3


def test_references_are_opened_ahead_only_where_they_decide_the_prompt(folder: Store, tmp_path: Path) -> None:
    renderer = Preparing()
    gone = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    missing = replace(variant(1), references=(gone,))
    messages = press(
        renderer, folder, [variant(0), missing, variant(2), replace(variant(3), references=(gone,), upsample=True)]
    )
    assert [prompt for prompt, _ in renderer.ahead] == [variant(number).prompt for number in range(3)]
    assert [bool(cause) for cause in causes(messages)] == [False, True, False, True]


def test_a_reference_that_is_gone_is_told_of_each_variant(folder: Store, tmp_path: Path) -> None:
    gone = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    messages = press(Preparing(), folder, [replace(variant(number), references=(gone,)) for number in range(2)])
    assert all("can't be read" in str(cause) for cause in causes(messages))


@pytest.mark.parametrize("failure", [RuntimeError("no memory"), AttributeError("prepare")])
def test_a_group_whose_preparing_fails_is_streamed_all_the_same(folder: Store, failure: Exception) -> None:
    variants = [replace(variant(number), prompt="[raise]" if number == 1 else f"{number}") for number in range(4)]
    expected = [None, "RuntimeError: the stand-in was asked to fail", None, None]
    assert causes(press(Preparing(failure), folder, variants)) == expected


def test_nothing_is_prepared_once_it_is_asked_to_stop(folder: Store) -> None:
    stopping = Event()
    stopping.set()
    renderer = Preparing()
    assert records_of(press(renderer, folder, [variant(0)], stopping)) == {}
    assert renderer.ahead == []


def test_a_reference_that_is_gone_fails_its_variant_only(folder: Store, tmp_path: Path) -> None:
    gone = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    messages = press(StandIn(), folder, [variant(0), replace(variant(1), references=(gone,)), variant(2)])
    assert [bool(cause) for cause in causes(messages)] == [False, True, False]


class Odd(StandIn):
    """A renderer that breaks its contract in a way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self._way = way

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        if self._way == "raises before it takes anything":
            raise RuntimeError("no")
        if self._way == "takes all and gives nothing":
            list(requests)
            return
        for rendered in super().stream(requests):
            assert isinstance(rendered, Rendered)
            yield Rendered(rendered.picture.resize((32, 32)))


@pytest.mark.parametrize(
    ("way", "cause"),
    [
        ("raises before it takes anything", "RuntimeError: no"),
        ("takes all and gives nothing", "the renderer gave no picture"),
        ("gives another size", "the renderer gave a picture of (32, 32), asked were (64, 64)"),
    ],
)
def test_a_renderer_that_breaks_its_contract_fails_variants_and_hangs_nothing(
    folder: Store, way: str, cause: str
) -> None:
    assert causes(press(Odd(way), folder, map(variant, range(3)))) == [cause] * 3


class FullDisk:
    """A folder whose disk is full for some keys."""

    def __init__(self, folder: Store, full: str) -> None:
        self._folder, self._full, self.uri = folder, full, folder.uri

    def __getattr__(self, name: str) -> object:
        return getattr(self._folder, name)

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        if key.startswith(self._full):
            raise StoreError(f"{key}: the disk is full", "key")
        return self._folder.create(key, data, content_type)


@pytest.mark.parametrize(("full", "stored"), [("assets/mug/scene001", True), ("", False)])
def test_a_store_that_fails_fails_the_variant_and_not_the_worker(folder: Store, full: str, stored: bool) -> None:
    messages = press(StandIn(), FullDisk(folder, full), [variant(1)])  # type: ignore[arg-type]
    (cause,) = causes(messages)
    assert cause is not None
    assert "the disk is full" in cause
    assert (folder.stat(f"records/{variant(1).render_key}.json") is not None) == stored


class Hungry(StandIn):
    """Takes two requests before it gives pictures, and has memory for one of some prompts."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 2):
            if len(batch) > 1 and any("[large]" in request.prompt for request in batch):
                raise MemoryError
            if any("[huge]" in request.prompt for request in batch):
                raise RuntimeError("CUDA out of memory")
            yield from list(super().stream(batch))


def test_what_memory_does_not_suffice_for_even_alone_is_told_and_not_recorded(folder: Store) -> None:
    prompts = ["small", "[large]", "small", "[huge]", "small"]
    messages = press(Hungry(), folder, [replace(variant(n), prompt=prompt) for n, prompt in enumerate(prompts)])
    assert {record.status for record in records_of(messages).values()} == {"done"}
    assert len(records_of(messages)) == 4
    (exhausted,) = [message for message in messages if isinstance(message, Exhausted)]
    assert (exhausted.render_key, exhausted.cause.text) == (variant(3).render_key, "RuntimeError: CUDA out of memory")
    assert exhausted.cause.traceback


def test_the_model_is_done_with_a_variant_before_it_is_recorded(folder: Store) -> None:
    messages = press(Ahead(), folder, [*map(variant, range(5)), replace(variant(5), prompt="[raise]")])
    for number in range(5):
        key = variant(number).render_key
        done = messages.index(Pictured(key))
        (end,) = [i for i, m in enumerate(messages) if isinstance(m, Recorded) and m.record.render_key == key]
        assert messages.index(Started(key)) < done < end
    assert Pictured(variant(5).render_key) not in messages


def test_asked_to_stop_it_finishes_what_is_begun_and_no_more(folder: Store) -> None:
    stopping = Event()

    class Stopped(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for rendered in super().stream(requests):
                stopping.set()
                yield rendered

    messages = press(Stopped(), folder, map(variant, range(4)), stopping)
    assert list(records_of(messages)) == ["mug/scene000"]
    assert len(list(folder.list("assets/"))) == 1


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_every_format_is_delivered(folder: Store, format: str) -> None:
    (record,) = records_of(press(StandIn(), folder, [replace(variant(0), format=format)])).values()
    assert record.status == "done"
    assert Image.open(Path(folder.uri) / str(record.asset)).format == format.upper()


class Held:
    """Stands in for a tensor: seen to be freed."""


class Holding(StandIn):
    """Takes two requests before it gives pictures; a failed attempt holds something in its frames, as a pass over the
    model holds its tensors. Notes what lives when the next attempt begins."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.alive: list[list[bool]] = [[]]
        self.released = 0
        self._failure = failure
        self._held: list[weakref.ref[Held]] = []

    def release(self) -> None:
        self.released += 1
        self.alive[-1] += [made() is not None for made in self._held]

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        self._attempt(list(requests), 3)

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for batch in batches(requests, 2):
            self.alive.append([made() is not None for made in self._held])
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
def test_a_retry_begins_when_nothing_of_the_failed_attempt_lives(
    folder: Store, failure: Exception, released: int
) -> None:
    """The failure lives on, as it does where something else has kept it."""
    renderer = Holding(failure)
    messages = press(renderer, folder, map(variant, range(4)))
    assert causes(messages) == [None] * 4
    assert len(renderer.alive) == 1 + 6
    assert not any(alive for attempt in renderer.alive for alive in attempt)
    assert renderer.released == released


def test_what_preparing_held_is_gone_before_the_stream_begins(folder: Store) -> None:
    renderer = Holding(MemoryError())
    messages = press(renderer, folder, map(variant, range(4)))
    assert causes(messages) == [None] * 4
    assert not any(alive for attempt in renderer.alive for alive in attempt)


@pytest.mark.parametrize("renderer", [StandIn, Ahead])
def test_a_device_that_is_lost_ends_the_press_and_is_no_variants_failure(
    folder: Store, renderer: type[StandIn]
) -> None:
    messages: list[Message] = []
    made = RenderLoop(renderer(), folder, MODEL, messages.append, Event())
    prompts = ["0", "1", "2", "3", "4 [lose]", "5", "6"]
    with pytest.raises(DeviceLostError, match="CUDA error: an illegal memory access was encountered") as caught:
        made.render(replace(variant(number), prompt=prompt) for number, prompt in enumerate(prompts))
    made.close()
    assert caught.value.cause.traceback
    assert causes(messages) == [None] * 4
    assert not any(isinstance(message, Exhausted) for message in messages)


def test_a_device_that_is_lost_while_a_group_is_prepared_ends_the_press(folder: Store) -> None:
    with pytest.raises(DeviceLostError, match="device-side assert"):
        press(Preparing(RuntimeError("CUDA error: device-side assert triggered")), folder, [variant(0)])


def test_memory_that_cannot_be_given_back_ends_the_press(folder: Store) -> None:
    class Stuck(StandIn):
        def release(self) -> None:
            raise RuntimeError("the allocator is broken")

    with pytest.raises(DeviceLostError, match="RuntimeError: the allocator is broken"):
        press(Stuck(), folder, [replace(variant(0), prompt="[exhaust]")])
