"""Resuming costs few reads: the latest manifest, and the records that it doesn't list as done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.manifest import LATEST, publish
from brandpress.pipeline.deliver.resume import completed_keys, read_index
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.folder import campaign_folder
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.pipeline.deliver.records import HEADER, failed, record


class CountingStore(StoreWrapper):
    """A store that counts calls."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: Counter[str] = Counter()

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        self.calls["write"] += 1
        return super().create(key, data, content_type)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        self.calls["write"] += 1
        return super().replace(key, data, content_type, expected)

    def read(self, key: str) -> bytes | None:
        self.calls[f"read {key.split('/')[1]}"] += 1
        return super().read(key)

    def list(self, prefix: str) -> Iterator[str]:
        self.calls["list"] += 1
        return super().list(prefix)


@pytest.fixture
def store(store_uri: str) -> CountingStore:
    return CountingStore(open_store(store_uri))


@pytest.fixture
def folder(store: CountingStore) -> Store:
    return campaign_folder(store, "spring")


def keys(*numbers: int) -> frozenset[str]:
    return frozenset(record(number).render_key for number in numbers)


def test_an_empty_store_has_no_done_variants(store: CountingStore) -> None:
    assert completed_keys(store, "spring").done == frozenset()


def test_without_a_manifest_every_record_is_read(store: CountingStore, folder: Store) -> None:
    for new in (record(0), failed(1), record(2)):
        file_record(folder, new)
    assert completed_keys(store, "spring").done == keys(0, 2)
    assert completed_keys(store, "autumn").done == frozenset()


def test_with_a_manifest_only_newer_and_failed_ones_are_read(store: CountingStore, folder: Store) -> None:
    old = [file_record(folder, new) for new in (*map(record, range(20)), failed(20), failed(21))]
    publish(folder, HEADER, 30, old, list)
    file_record(folder, record(21))
    file_record(folder, record(22))
    store.calls.clear()
    assert completed_keys(store, "spring").done == keys(*range(20), 21, 22)
    assert store.calls == {"list": 1, "read latest.json": 1, "read manifests": 2, "read records": 3}


def test_only_the_given_keys_are_read(store: CountingStore, folder: Store) -> None:
    for number in range(20):
        file_record(folder, record(number))
    store.calls.clear()
    assert completed_keys(store, "spring", keys(3, 4, 99)).done == keys(3, 4)
    assert store.calls["read records"] == 2


def test_a_record_that_was_deleted_is_not_done(store: CountingStore, folder: Store) -> None:
    publish(folder, HEADER, 2, [record(0), file_record(folder, record(1))], list)
    assert completed_keys(store, "spring").done == keys(1)


def test_a_broken_manifest_is_ignored(store: CountingStore, folder: Store) -> None:
    publish(folder, HEADER, 2, [file_record(folder, record(0)), file_record(folder, failed(1))], list)
    stat = folder.stat(LATEST)
    assert stat is not None
    assert folder.replace(LATEST, b"broken", "text/plain", stat.etag)
    assert read_index(folder) == {record.render_key: record for record in (record(0), failed(1))}
