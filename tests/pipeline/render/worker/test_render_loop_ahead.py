"""A render loop whose renderer reads ahead: groups follow without a pause, references are opened early, times are
attributed correctly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from brandpress.model.request import Failed, Rendered, RenderRequest
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.events import Message, WorkTime
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.render.worker.render_loop import DeviceLostError, RenderLoop
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex
from tests.campaigns import draw_reference
from tests.pipeline.deliver.records import MODEL, variant
from tests.pipeline.render.worker.test_render_loop import Ahead, batches, causes, records_of, render
from tests.stand_in import HostedStandIn, StandIn, draw


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


class Clock:
    """Replaces `time`; its seconds pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize("read_ahead", [1, 4, 7, 50])
def test_waiting_for_requests_is_not_model_time(
    folder: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_ahead: int
) -> None:
    """Seven pictures of a second each, in batches; opening each reference takes half a second."""
    clock = Clock()
    monkeypatch.setattr("brandpress.pipeline.render.worker.render_loop.time", clock)
    mug = Reference("product", "mug.png", draw_reference(tmp_path / "mug.png", "teal"), "0" * 64)

    class Slow(References):
        def open(self, reference: Reference) -> Image.Image:
            clock.now += 0.5
            return Image.new("RGB", (64, 64))

    class Batching(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for batch in batches(requests, read_ahead):
                clock.now += len(batch)
                yield from [Rendered(draw(request)) for request in batch]

    messages: list[Message] = []
    loop = RenderLoop(Batching(), folder, MODEL, messages.append, Event(), Slow())
    loop.render([replace(variant(number), references=(mug,)) for number in range(7)])
    loop.close()
    times = [message for message in messages if isinstance(message, WorkTime)]
    assert sum(time.model for time in times) == 7
    assert sum(time.busy for time in times) == 7 + 3.5
    assert [record.timings["prepare"] for record in records_of(messages).values()] == [0.5] * 7


def test_pictures_of_a_batch_report_their_own_stages(folder: Store) -> None:
    class Timed(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for request in list(requests):
                yield Rendered(draw(request), {"text": 1.0, "denoise": request.seed})

    records = records_of(render(Timed(), folder, map(variant, range(3))))
    assert [records[name].timings["model"] for name in sorted(records)] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("renderer", [StandIn, Ahead, HostedStandIn])
def test_the_next_group_is_read_without_a_pause(folder: Store, renderer: type[StandIn]) -> None:
    """Each group is prepared before it starts, and all groups share one stream."""
    streams: list[list[str]] = []
    groups = deque([[variant(0), variant(1)], [variant(2)], [variant(3), variant(4), variant(5)]])

    class Counting(renderer):  # type: ignore[misc, valid-type]
        def prepare(self, requests: Iterable[RenderRequest]) -> None:
            prepared.append([request.prompt for request in requests])

        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            streams.append([])
            return super().stream(self._count(requests))  # type: ignore[no-any-return]

        def _count(self, requests: Iterable[RenderRequest]) -> Iterator[RenderRequest]:
            for request in requests:
                assert request.prompt in prepared[-1]
                streams[-1].append(request.prompt)
                yield request

    def next_group() -> list[Variant]:
        return groups.popleft() if groups else []

    prepared: list[list[str]] = []
    messages: list[Message] = []
    loop = RenderLoop(Counting(), folder, MODEL, messages.append, Event())
    loop.render(next_group(), next_group)
    loop.close()
    assert causes(messages) == [None] * 6
    assert streams == [[variant(number).prompt for number in range(6)]]
    assert [len(group) for group in prepared] == [2, 1, 3]


@pytest.mark.parametrize("bad", [0, 1, 3, 4, 6])
def test_a_failure_does_not_affect_the_next_groups(folder: Store, bad: int) -> None:
    prompts = [f"{number} [raise]" if number == bad else f"{number}" for number in range(7)]
    variants = [replace(variant(number), prompt=prompts[number]) for number in range(7)]
    groups = deque([variants[:2], variants[2:5], variants[5:]])
    messages: list[Message] = []
    loop = RenderLoop(Ahead(), folder, MODEL, messages.append, Event())
    loop.render(groups.popleft(), lambda: groups.popleft() if groups else [])
    loop.close()
    expected = ["RuntimeError: the stand-in was asked to fail" if number == bad else None for number in range(7)]
    assert causes(messages) == expected


def test_the_references_of_the_next_variant_are_opened_ahead(folder: Store, tmp_path: Path) -> None:
    files = [draw_reference(tmp_path / f"{number}.png", "teal") for number in range(4)]
    references = [Reference("product", file.name, file, sha256_hex(file.read_bytes())) for file in files]
    opened_ahead: list[Reference] = []

    class Recording(References):
        def open_ahead(self, references: Iterable[Reference]) -> None:
            next_references = list(references)
            opened_ahead.extend(next_references)
            super().open_ahead(next_references)

    class Checking(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for number, request in enumerate(requests):
                assert opened_ahead == references[1 : number + 2]
                yield from super().stream([request])

    messages: list[Message] = []
    loop = RenderLoop(Checking(), folder, MODEL, messages.append, Event(), Recording())
    loop.render([replace(variant(number), references=(reference,)) for number, reference in enumerate(references)])
    loop.close()
    assert causes(messages) == [None] * 4


@pytest.mark.parametrize("renderer", [StandIn, Ahead])
def test_a_device_lost_while_the_next_group_is_prepared_ends_the_loop(folder: Store, renderer: type[StandIn]) -> None:
    class Losing(renderer):  # type: ignore[misc, valid-type]
        def prepare(self, requests: Iterable[RenderRequest]) -> None:
            if any("scene 2" in request.prompt for request in requests):
                raise RuntimeError("CUDA error: unspecified launch failure")

    groups = deque([[variant(0), variant(1)], [variant(2)], [variant(3)]])
    messages: list[Message] = []
    loop = RenderLoop(Losing(), folder, MODEL, messages.append, Event())
    with pytest.raises(DeviceLostError, match="unspecified launch failure"):
        loop.render(groups.popleft(), lambda: groups.popleft() if groups else [])
    loop.close()
    assert set(causes(messages)) <= {None}
