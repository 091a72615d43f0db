"""Deliveries overlap with the model and with each other, and each record follows its asset."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Event, Timer

import pytest
from PIL import Image

from brandpress.model.request import Rendered
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.events import Blocked, Message, Recorded, StoreWait
from brandpress.pipeline.render.worker.backlog import MOST_PICTURES
from brandpress.pipeline.render.worker.uploader import THREADS, Uploader
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Scope, Store, StoreError
from brandpress.pipeline.store.retry import RetryPolicy
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


class Blocking(Watched):
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


def uploader(folder: object, messages: list[Message], retry_policy: RetryPolicy | None = None) -> Uploader:
    return Uploader(folder, MODEL, {"device": "none"}, messages.append, retry_policy)  # type: ignore[arg-type]


def give(uploader: Uploader, made: Variant) -> None:
    rendered = Rendered(Image.new("RGB", (made.width, made.height)))
    uploader.make_room(rendered)
    uploader.take(made, rendered, {"model": 0.1})


def statuses(messages: list[Message]) -> dict[str, str]:
    return {message.record.name: message.record.status for message in messages if isinstance(message, Recorded)}


def test_a_burst_of_small_pictures_is_taken_while_the_store_answers_nothing(folder: Store) -> None:
    messages: list[Message] = []
    store = Blocking(folder)
    busy = uploader(store, messages)
    for number in range(MOST_PICTURES):
        give(busy, variant(number))
    assert messages == []
    store.let.set()
    busy.close()
    assert statuses(messages) == {variant(number).name: "done" for number in range(MOST_PICTURES)}


def test_pictures_are_uploaded_side_by_side_and_each_record_follows_its_asset(folder: Store) -> None:
    messages: list[Message] = []
    store = Together(folder)
    busy = uploader(store, messages)
    made = [variant(number) for number in range(2 * THREADS)]
    for one in made:
        give(busy, one)
    busy.close()
    assert set(statuses(messages).values()) == {"done"}
    for one in made:
        assert store.created.index(one.asset) < store.created.index(f"records/{one.render_key}.json")


class Failing(Watched):
    """Refuses all assets, or everything, for a while."""

    def __init__(self, folder: Store, scope: Scope, prefix: str = "assets/", times: int = 10**9) -> None:
        super().__init__(folder)
        self._scope, self._prefix, self._times = scope, prefix, times

    def before(self, key: str) -> None:
        if key.startswith(self._prefix) and self._times:
            self._times -= 1
            raise StoreError("the store is out", self._scope)


def test_a_failed_upload_makes_room_for_the_next(folder: Store) -> None:
    messages: list[Message] = []
    busy = uploader(Failing(folder, "key"), messages)
    for number in range(2 * MOST_PICTURES):
        give(busy, variant(number))
    busy.close()
    assert list(statuses(messages).values()) == ["failed"] * 2 * MOST_PICTURES


def test_a_store_that_comes_back_loses_nothing(folder: Store) -> None:
    messages: list[Message] = []
    pauses: list[float] = []
    busy = uploader(Failing(folder, "transient", "", times=5), messages, RetryPolicy(sleep=pauses.append))
    give(busy, variant(0))
    busy.close()
    assert statuses(messages) == {variant(0).name: "done"}
    assert len(pauses) == 5


def test_a_store_that_stays_out_fails_the_variant_and_says_so(folder: Store) -> None:
    messages: list[Message] = []
    busy = uploader(Failing(folder, "transient", ""), messages, RetryPolicy(0.0))
    give(busy, variant(0))
    busy.close()
    (message,) = messages
    assert isinstance(message, Recorded)
    assert (message.record.status, message.record.cause) == ("failed", "the store is out")


def test_a_store_that_takes_nothing_more_is_told_for_each_variant(folder: Store) -> None:
    messages: list[Message] = []
    busy = uploader(Failing(folder, "store", ""), messages)
    give(busy, variant(0))
    busy.fail(variant(1), Cause("it broke"))
    busy.close()
    expected = [Blocked(variant(number).render_key, "the store is out") for number in range(2)]
    assert sorted(messages, key=str) == sorted(expected, key=str)


def test_who_waits_for_room_says_so(folder: Store) -> None:
    messages: list[Message] = []
    store = Blocking(folder)
    busy = uploader(store, messages)
    for number in range(MOST_PICTURES):
        give(busy, variant(number))
    assert messages == []
    Timer(0.1, store.let.set).start()
    give(busy, variant(MOST_PICTURES))
    busy.close()
    assert [message.waiting for message in messages if isinstance(message, StoreWait)] == [True, False]
    assert len(statuses(messages)) == MOST_PICTURES + 1


def test_a_failure_is_recorded_with_its_cause_and_way(folder: Store) -> None:
    messages: list[Message] = []
    busy = uploader(folder, messages)
    busy.fail(variant(0), Cause("it broke", "a:1 b"))
    busy.close()
    (message,) = messages
    assert isinstance(message, Recorded)
    record = message.record
    assert (record.status, record.cause, record.traceback, record.attempts) == ("failed", "it broke", "a:1 b", 1)
    assert record.host == {"device": "none"}
