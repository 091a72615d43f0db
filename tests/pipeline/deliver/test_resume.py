"""Resuming costs few reads: the latest manifest, and the records that it doesn't list as done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import MAX_ATTEMPTS, RecordIndex, read_index
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.folder import campaign_folder
from brandpress.pipeline.store.protocol import Entry, Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant

STORE_TICK = 1.1
"""Seconds after which S3 shows another time for what is written."""


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

    def entries(self, prefix: str) -> Iterator[Entry]:
        self.calls["list"] += 1
        return super().entries(prefix)


@pytest.fixture
def store(store_uri: str) -> CountingStore:
    return CountingStore(open_store(store_uri))


@pytest.fixture
def folder(store: CountingStore) -> Store:
    return campaign_folder(store, "spring")


def keys(*numbers: int) -> frozenset[str]:
    return frozenset(record(number).render_key for number in numbers)


def done(number: int, folder: Store) -> Record:
    """Delivers variant `number`."""
    return deliver(folder, record(number), variant(number).asset, data_of(number))


def test_an_empty_store_has_no_done_variants(folder: Store) -> None:
    assert read_index(folder) == RecordIndex()


def test_without_a_manifest_every_record_is_read(store: CountingStore, folder: Store) -> None:
    done(0, folder), file_record(folder, failed(1)), done(2, folder)
    assert read_index(folder).done.keys() == keys(0, 2)
    assert read_index(campaign_folder(store, "autumn")) == RecordIndex()


def test_with_a_manifest_only_newer_and_failed_ones_are_read(store: CountingStore, folder: Store) -> None:
    old = [*(done(number, folder) for number in range(20)), *(file_record(folder, failed(n)) for n in (20, 21))]
    time.sleep(STORE_TICK)
    publish_records(folder, HEADER, 30, old, list)
    done(21, folder), done(22, folder)
    store.calls.clear()
    index = read_index(folder)
    assert index.done.keys() == keys(*range(20), 21, 22)
    assert index.others.keys() == keys(20)
    assert store.calls == {
        "list": 3,
        "read latest.json": 1,
        "read manifests": 1,
        "read parts": 1,
        "read records": 3,
    }


def test_a_record_that_is_newer_than_the_manifest_is_read(store: CountingStore, folder: Store) -> None:
    """Its picture was lost and rendered again with other bytes, and the run ended before it published."""
    old = [done(number, folder) for number in range(3)]
    time.sleep(STORE_TICK)
    publish_records(folder, HEADER, 3, old, list)
    folder.delete(variant(1).asset)
    newer = deliver(folder, record(1), variant(1).asset, b"other bytes")
    assert newer != old[1]
    store.calls.clear()
    assert read_index(folder).done == {one.render_key: one.to_json() for one in (old[0], newer, old[2])}
    assert store.calls["read records"] == 1


def test_a_listed_record_that_is_damaged_since_counts_as_listed(folder: Store) -> None:
    old = done(0, folder)
    publish_records(folder, HEADER, 1, [old], list)
    stat = folder.stat(old.key)
    assert stat is not None
    assert folder.replace(old.key, b"damaged", "application/json", stat.etag)
    assert read_index(folder).done == {old.render_key: old.to_json()}


def test_only_the_given_keys_are_read(store: CountingStore, folder: Store) -> None:
    for number in range(20):
        done(number, folder)
    store.calls.clear()
    assert read_index(folder, keys(3, 4, 99)).done.keys() == keys(3, 4)
    assert store.calls["read records"] == 2


@pytest.mark.parametrize("key", [record(0).key, variant(0).asset])
@pytest.mark.parametrize("published", [True, False])
def test_a_variant_whose_record_or_picture_was_deleted_is_not_done(folder: Store, key: str, published: bool) -> None:
    records = [done(number, folder) for number in (0, 1)]
    if published:
        publish_records(folder, HEADER, 2, records, list)
    folder.delete(key)
    assert read_index(folder) == RecordIndex({records[1].render_key: records[1].to_json()})


def test_a_done_record_without_a_digest_is_written_anew(folder: Store) -> None:
    """A manifest that lists it can't be read."""
    whole = done(0, folder)
    stat = folder.stat(whole.key)
    assert stat is not None
    damaged = whole.model_copy(update={"sha256": None})
    assert folder.replace(whole.key, damaged.to_json(), "application/json", stat.etag)
    assert read_index(folder).done == {}
    assert done(0, folder) == whole
    assert read_index(folder).done.keys() == keys(0)


def test_a_broken_manifest_is_ignored(folder: Store) -> None:
    records = [done(0, folder), file_record(folder, failed(1))]
    publish_records(folder, HEADER, 2, records, list)
    stat = folder.stat(LATEST)
    assert stat is not None
    assert folder.replace(LATEST, b"broken", "text/plain", stat.etag)
    assert read_index(folder).records() == {one.render_key: one for one in records}


def test_known_records_are_not_read_again_but_must_still_exist(store: CountingStore, folder: Store) -> None:
    known = RecordIndex().updated([done(0, folder), done(1, folder), record(3, status="failed", cause="not stored")])
    done(2, folder)
    folder.delete(variant(1).asset)
    folder.delete(record(1).key)
    store.calls.clear()
    index = read_index(folder, keys(0, 1, 2, 3), known)
    assert index.done.keys() == keys(0, 2)
    assert index.others.keys() == keys(3)
    assert store.calls == {"list": 2, "read records": 1}


def test_the_records_of_unfinished_variants_are_kept_as_they_were_listed(folder: Store) -> None:
    done(0, folder)
    file_record(folder, failed(1))
    folder.delete(done(2, folder).asset or "")
    entries = {entry.key: entry for entry in folder.entries("records/")}
    assert read_index(folder, keys(0, 1, 2, 3)).unfinished == {
        variant(number).render_key: entries[record(number).key] for number in (1, 2)
    }


def test_a_record_of_another_variant_is_an_error(folder: Store) -> None:
    """A file that was copied or renamed by hand: its variant could never be recorded."""
    assert folder.create(record(0).key, record(1).to_json(), "application/json")
    with pytest.raises(StoreError, match="holds the record of another variant, mug/scene001; move the file away"):
        read_index(folder)


@pytest.mark.parametrize(("attempts", "held_back"), [(MAX_ATTEMPTS - 1, False), (MAX_ATTEMPTS, True)])
def test_a_variant_that_fails_too_often_is_held_back(attempts: int, held_back: bool) -> None:
    index = RecordIndex().updated([failed(0).model_copy(update={"attempts": attempts}), record(1)])
    assert index.held_back == (keys(0) if held_back else frozenset())


def test_a_quarantined_variant_is_held_back() -> None:
    assert RecordIndex().updated([record(0, status="quarantined", cause="twice")]).held_back == keys(0)
