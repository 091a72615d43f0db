"""Uploads run beside the model and in parallel, and each record follows its asset."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Event, Timer

import pytest
from PIL import Image

from brandpress.model.request import Rendered
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.events import Message, StoreBlocked, StoreWait, VariantRecorded
from brandpress.pipeline.render.worker.backlog import MAX_WAITING_PICTURES
from brandpress.pipeline.render.worker.uploader import THREADS, Uploader
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Scope, Store, StoreError
from brandpress.pipeline.store.retry import RetryPolicy
from tests.pipeline.deliver.records import MODEL, variant

TIMEOUT_SECONDS = 30
"""After this, a test that would hang fails."""


class RecordingFolder:
    """Records created keys, after calling `before` with each key."""

    def __init__(self, folder: Store) -> None:
        self._folder, self.uri = folder, folder.uri
        self.written: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._folder, name)

    def before(self, key: str) -> None:
        """Does nothing."""

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        self.before(key)
        created = self._folder.create(key, data, content_type)
        self.written.append(key)
        return created

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        self.before(key)
        replaced = self._folder.replace(key, data, content_type, expected)
        self.written.append(key)
        return replaced


class Blocking(RecordingFolder):
    """Writes nothing until `released` is set."""

    def __init__(self, folder: Store) -> None:
        super().__init__(folder)
        self.released = Event()

    def before(self, key: str) -> None:
        assert self.released.wait(TIMEOUT_SECONDS)


class Parallel(RecordingFolder):
    """Writes assets only when THREADS of them are being written in parallel."""

    def __init__(self, folder: Store) -> None:
        super().__init__(folder)
        self._all = Barrier(THREADS, timeout=TIMEOUT_SECONDS)

    def before(self, key: str) -> None:
        if key.startswith("assets/"):
            self._all.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def uploader(folder: object, messages: list[Message], retry_policy: RetryPolicy | None = None) -> Uploader:
    return Uploader(folder, MODEL, {"device": "none"}, messages.append, retry_policy)  # type: ignore[arg-type]


def upload(uploader: Uploader, variant: Variant) -> None:
    rendered = Rendered(Image.new("RGB", (variant.width, variant.height)))
    uploader.reserve(rendered)
    uploader.upload(variant, rendered, {"model": 0.1})


def statuses(messages: list[Message]) -> dict[str, str]:
    return {message.record.name: message.record.status for message in messages if isinstance(message, VariantRecorded)}


def test_a_burst_of_small_pictures_is_accepted_while_the_store_hangs(folder: Store) -> None:
    messages: list[Message] = []
    store = Blocking(folder)
    uploads = uploader(store, messages)
    for number in range(MAX_WAITING_PICTURES):
        upload(uploads, variant(number))
    assert messages == []
    store.released.set()
    uploads.close()
    assert statuses(messages) == {variant(number).name: "done" for number in range(MAX_WAITING_PICTURES)}


def test_pictures_are_uploaded_in_parallel_and_each_record_follows_its_asset(folder: Store) -> None:
    messages: list[Message] = []
    store = Parallel(folder)
    uploads = uploader(store, messages)
    variants = [variant(number) for number in range(2 * THREADS)]
    for uploaded in variants:
        upload(uploads, uploaded)
    uploads.close()
    assert set(statuses(messages).values()) == {"done"}
    for uploaded in variants:
        assert store.written.index(uploaded.asset) < store.written.index(f"records/{uploaded.render_key}.json")


class Failing(RecordingFolder):
    """Rejects keys with a prefix, for a number of times."""

    def __init__(self, folder: Store, scope: Scope, prefix: str = "assets/", times: int = 10**9) -> None:
        super().__init__(folder)
        self._scope, self._prefix, self._times = scope, prefix, times

    def before(self, key: str) -> None:
        if key.startswith(self._prefix) and self._times:
            self._times -= 1
            raise StoreError("the store is out", self._scope)


def test_a_failed_upload_makes_room_for_the_next(folder: Store) -> None:
    messages: list[Message] = []
    uploads = uploader(Failing(folder, "key"), messages)
    for number in range(2 * MAX_WAITING_PICTURES):
        upload(uploads, variant(number))
    uploads.close()
    assert list(statuses(messages).values()) == ["failed"] * 2 * MAX_WAITING_PICTURES


def test_a_temporary_outage_loses_nothing(folder: Store) -> None:
    messages: list[Message] = []
    pauses: list[float] = []
    uploads = uploader(Failing(folder, "transient", "", times=5), messages, RetryPolicy(sleep=pauses.append))
    upload(uploads, variant(0))
    uploads.close()
    assert statuses(messages) == {variant(0).name: "done"}
    assert len(pauses) == 5


def test_a_lasting_outage_fails_the_variant_with_the_stores_error(folder: Store) -> None:
    messages: list[Message] = []
    uploads = uploader(Failing(folder, "transient", ""), messages, RetryPolicy(0.0))
    upload(uploads, variant(0))
    uploads.close()
    (message,) = messages
    assert isinstance(message, VariantRecorded)
    assert (message.record.status, message.record.cause) == ("failed", "the store is out")


def test_a_blocked_store_is_reported_for_each_variant(folder: Store) -> None:
    messages: list[Message] = []
    uploads = uploader(Failing(folder, "store", ""), messages)
    upload(uploads, variant(0))
    uploads.record_failure(variant(1), Cause("it broke"))
    uploads.close()
    expected = [StoreBlocked(variant(number).render_key, "the store is out") for number in range(2)]
    assert sorted(messages, key=str) == sorted(expected, key=str)


def test_waiting_for_room_is_reported(folder: Store) -> None:
    messages: list[Message] = []
    store = Blocking(folder)
    uploads = uploader(store, messages)
    for number in range(MAX_WAITING_PICTURES):
        upload(uploads, variant(number))
    assert messages == []
    Timer(0.1, store.released.set).start()
    upload(uploads, variant(MAX_WAITING_PICTURES))
    uploads.close()
    assert [message.waiting for message in messages if isinstance(message, StoreWait)] == [True, False]
    assert len(statuses(messages)) == MAX_WAITING_PICTURES + 1


def test_a_failure_is_recorded_with_its_cause_and_traceback(folder: Store) -> None:
    messages: list[Message] = []
    uploads = uploader(folder, messages)
    uploads.record_failure(variant(0), Cause("it broke", "a:1 b"))
    uploads.close()
    (message,) = messages
    assert isinstance(message, VariantRecorded)
    record = message.record
    assert (record.status, record.cause, record.traceback, record.attempts) == ("failed", "it broke", "a:1 b", 1)
    assert record.host == {"device": "none"}
