"""The press: pictures become records, failure is a value, and every variant is recorded once, whatever happens."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from model.request import Rendered, RenderRequest
from pipeline.deliver.folder import open_campaign
from pipeline.deliver.record import Record
from pipeline.deliver.store import Store, StoreError, sha256_hex
from pipeline.plan.variant import Reference, Variant
from pipeline.render.dispatch import Task
from pipeline.render.events import Message, Recorded, Started, Tally
from pipeline.render.press import Pictures, Press
from tests.pipeline.deliver.records import MODEL, variant
from tests.stand_in import StandIn, draw


def press(
    renderer: Pictures, folder: Store, variants: Iterable[Variant], stopping: Event | None = None
) -> list[Message]:
    """The messages of one group."""
    messages: list[Message] = []
    made = Press(renderer, folder, MODEL, messages.append, stopping or Event())
    made.render([Task(given, attempts=1) for given in variants])
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

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
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


def test_what_starts_is_told_before_it_is_recorded_and_time_is_counted(folder: Store) -> None:
    messages = press(StandIn(), folder, map(variant, range(5)))
    for number in range(5):
        key = variant(number).render_key
        starts = [index for index, message in enumerate(messages) if message == Started(key)]
        ends = [index for index, m in enumerate(messages) if isinstance(m, Recorded) and m.record.render_key == key]
        assert (len(starts), len(ends)) == (1, 1)
        assert starts < ends
    tallies = [message for message in messages if isinstance(message, Tally)]
    assert len(tallies) == 6
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


def test_a_reference_that_is_gone_fails_its_variant_only(folder: Store, tmp_path: Path) -> None:
    gone = Reference("product", "mug.png", tmp_path / "mug.png", "0" * 64)
    messages = press(StandIn(), folder, [variant(0), replace(variant(1), references=(gone,)), variant(2)])
    assert [bool(cause) for cause in causes(messages)] == [False, True, False]


class Odd(StandIn):
    """A renderer that breaks its contract in a way."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self._way = way

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        if self._way == "raises before it takes anything":
            raise RuntimeError("no")
        if self._way == "takes all and gives nothing":
            list(requests)
            return
        for rendered in super().stream(requests):
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
            raise StoreError(f"{key}: the disk is full")
        return self._folder.create(key, data, content_type)


@pytest.mark.parametrize(("full", "stored"), [("assets/mug/scene001", True), ("", False)])
def test_a_store_that_fails_fails_the_variant_and_not_the_worker(folder: Store, full: str, stored: bool) -> None:
    messages = press(StandIn(), FullDisk(folder, full), [variant(1)])  # type: ignore[arg-type]
    (cause,) = causes(messages)
    assert cause is not None
    assert "the disk is full" in cause
    assert (folder.stat(f"records/{variant(1).render_key}.json") is not None) == stored


def test_asked_to_stop_it_finishes_what_is_begun_and_no_more(folder: Store) -> None:
    stopping = Event()

    class Stopped(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
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
