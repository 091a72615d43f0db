"""Asset first, then its record; the first writer wins; failure makes way for success and never the other way."""

from __future__ import annotations

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record, read_record
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.pipeline.deliver.records import data_of, failed, record, variant


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def test_a_delivery_is_an_asset_and_its_record(folder: Store) -> None:
    asset = variant(1).asset
    delivered = deliver(folder, record(1), asset, data_of(1))
    assert (delivered.asset, delivered.sha256) == (asset, sha256_hex(data_of(1)))
    assert delivered.bytes == len(data_of(1))
    assert folder.read(asset) == data_of(1)
    assert read_record(folder, delivered.key) == delivered


def test_the_second_of_two_equal_writers_changes_nothing(folder: Store) -> None:
    first = deliver(folder, record(1), variant(1).asset, data_of(1))
    second = deliver(folder, record(1, prompt="told by the second"), variant(1).asset, data_of(1))
    assert second == first
    assert read_record(folder, first.key) == first


def test_another_picture_that_stands_there_is_adopted(folder: Store) -> None:
    assert folder.create(variant(1).asset, b"by another writer", "image/png")
    delivered = deliver(folder, record(1), variant(1).asset, data_of(1))
    assert delivered.sha256 == sha256_hex(b"by another writer")
    assert delivered.bytes == len(b"by another writer")
    assert folder.read(variant(1).asset) == b"by another writer"


def test_failure_makes_way_for_success(folder: Store) -> None:
    file_record(folder, failed(1))
    delivered = deliver(folder, record(1), variant(1).asset, data_of(1))
    assert delivered.status == "done"
    assert delivered.attempts == 2
    assert read_record(folder, delivered.key) == delivered


def test_success_stays(folder: Store) -> None:
    delivered = deliver(folder, record(1), variant(1).asset, data_of(1))
    assert file_record(folder, failed(1)) == delivered
    assert read_record(folder, delivered.key) == delivered


def test_the_latest_failure_is_told_and_attempts_add_up(folder: Store) -> None:
    file_record(folder, failed(1, "first"))
    filed = file_record(folder, failed(1, "second").model_copy(update={"attempts": 2}))
    assert (filed.cause, filed.attempts) == ("second", 3)
    assert read_record(folder, filed.key) == filed


def test_what_stands_at_a_records_place_and_is_none_is_told(folder: Store) -> None:
    assert folder.create(record(1).key, b"not a record", "text/plain")
    with pytest.raises(StoreError, match="isn't a record"):
        file_record(folder, record(1))
    assert folder.read(record(1).key) == b"not a record"
