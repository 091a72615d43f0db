"""Deliveries overlap with the model and with each other, and each record follows its asset."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Event

import pytest
from PIL import Image

from model.request import Rendered
from pipeline.deliver.folder import open_campaign
from pipeline.deliver.store import Store, StoreError
from pipeline.plan.variant import Variant
from pipeline.render.backlog import MOST_PICTURES
from pipeline.render.courier import THREADS, Courier
from pipeline.render.dispatch import Task
from pipeline.render.events import Message, Recorded
from tests.pipeline.deliver.records import MODEL, variant

PATIENCE = 30
"""Seconds after which a test that would hang fails."""


class Watched:
    """A folder that notes what is created, after whatever `before` does with the key."""

    def __init__(self, folder: Store) -> None:
        self._folder, self.uri = folder, folder.uri
        self.created: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._folder, name)

    def before(self, key: str) -> None:
        """Nothing."""

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        self.before(key)
        made = self._folder.create(key, data, content_type)
        self.created.append(key)
        return made


class Blocked(Watched):
    """Writes nothing until it's let."""

    def __init__(self, folder: Store) -> None:
        super().__init__(folder)
        self.let = Event()

    def before(self, key: str) -> None:
        assert self.let.wait(PATIENCE)


class Together(Watched):
    """Writes assets only when so many are to be written at once."""

    def __init__(self, folder: Store) -> None:
        super().__init__(folder)
        self._all = Barrier(THREADS, timeout=PATIENCE)

    def before(self, key: str) -> None:
        if key.startswith("assets/"):
            self._all.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def courier(folder: object, messages: list[Message]) -> Courier:
    return Courier(folder, MODEL, {"device": "none"}, messages.append)  # type: ignore[arg-type]


def give(courier: Courier, made: Variant) -> None:
    rendered = Rendered(Image.new("RGB", (made.width, made.height)))
    courier.make_room(rendered)
    courier.take(Task(made, attempts=1), rendered, {"model": 0.1})


def statuses(messages: list[Message]) -> dict[str, str]:
    return {message.record.name: message.record.status for message in messages if isinstance(message, Recorded)}


def test_a_burst_of_small_pictures_is_taken_while_the_store_answers_nothing(folder: Store) -> None:
    messages: list[Message] = []
    store = Blocked(folder)
    busy = courier(store, messages)
    for number in range(MOST_PICTURES):
        give(busy, variant(number))
    assert messages == []
    store.let.set()
    busy.close()
    assert statuses(messages) == {variant(number).name: "done" for number in range(MOST_PICTURES)}


def test_pictures_are_uploaded_side_by_side_and_each_record_follows_its_asset(folder: Store) -> None:
    messages: list[Message] = []
    store = Together(folder)
    busy = courier(store, messages)
    made = [variant(number) for number in range(2 * THREADS)]
    for one in made:
        give(busy, one)
    busy.close()
    assert set(statuses(messages).values()) == {"done"}
    for one in made:
        assert store.created.index(one.asset) < store.created.index(f"records/{one.render_key}.json")


def test_a_failed_upload_makes_room_for_the_next(folder: Store) -> None:
    class Full(Watched):
        def before(self, key: str) -> None:
            if key.startswith("assets/"):
                raise StoreError("the disk is full")

    messages: list[Message] = []
    busy = courier(Full(folder), messages)
    for number in range(2 * MOST_PICTURES):
        give(busy, variant(number))
    busy.close()
    assert list(statuses(messages).values()) == ["failed"] * 2 * MOST_PICTURES


def test_the_failure_of_a_task_is_recorded_with_its_cause(folder: Store) -> None:
    messages: list[Message] = []
    busy = courier(folder, messages)
    busy.fail(Task(variant(0), attempts=2), "it broke")
    busy.close()
    (message,) = messages
    assert isinstance(message, Recorded)
    assert (message.record.status, message.record.cause, message.record.attempts) == ("failed", "it broke", 2)
    assert message.record.host == {"device": "none"}
