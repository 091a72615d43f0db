"""Delivery: the asset before its record, the first writer wins, and done replaces failed but never the reverse."""

from __future__ import annotations

import pytest
from PIL import Image

from brandpress.pipeline.deliver.delivery import deliver, file_record, read_record
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.pipeline.deliver.records import data_of, failed, record, variant


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def test_delivery_writes_an_asset_and_its_record(folder: Store) -> None:
    asset = variant(1).asset
    delivered = deliver(folder, record(1), asset, data_of(1))
    assert (delivered.asset, delivered.sha256) == (asset, sha256_hex(data_of(1)))
    assert delivered.bytes == len(data_of(1))
    assert folder.read(asset) == data_of(1)
    assert read_record(folder, delivered.key) == delivered


def test_the_second_writer_of_the_same_picture_changes_nothing(folder: Store) -> None:
    first = deliver(folder, record(1), variant(1).asset, data_of(1))
    second = deliver(folder, record(1, prompt="of the second writer"), variant(1).asset, data_of(1))
    assert second == first
    assert read_record(folder, first.key) == first


def png(number: int, *, size: tuple[int, int] = (64, 64), colour: str = "red") -> bytes:
    """Returns a PNG that carries the render key of variant `number`."""
    picture = Image.new("RGB", size, colour)
    return encode(picture, "png", Metadata(render_key=variant(number).render_key, tool="test"))


def test_an_existing_picture_of_another_writer_is_adopted(folder: Store) -> None:
    other = png(1, colour="blue")
    assert folder.create(variant(1).asset, other, "image/png")
    delivered = deliver(folder, record(1), variant(1).asset, png(1))
    assert (delivered.asset, delivered.sha256) == (variant(1).asset, sha256_hex(other))
    assert delivered.bytes == len(other)
    assert folder.read(variant(1).asset) == other


@pytest.mark.parametrize(
    "foreign",
    [b"", b"by hand", png(1)[:-20], png(1, size=(32, 64)), png(2)],
    ids=["empty", "no picture", "cut off", "another size", "another render key"],
)
def test_a_foreign_file_at_the_name_is_left_alone(folder: Store, foreign: bytes) -> None:
    assert folder.create(variant(1).asset, foreign, "image/png")
    delivered = deliver(folder, record(1), variant(1).asset, png(1))
    stem, _, extension = variant(1).asset.rpartition(".")
    assert delivered.asset == f"{stem}-2.{extension}"
    assert delivered.asset is not None
    assert folder.read(delivered.asset) == png(1)
    assert folder.read(variant(1).asset) == foreign


def test_a_lost_picture_that_is_rendered_again_replaces_its_record(folder: Store) -> None:
    """Its bytes may differ, for example with another encoder."""
    first = deliver(folder, record(1), variant(1).asset, png(1))
    folder.delete(variant(1).asset)
    second = deliver(folder, record(1), variant(1).asset, png(1, colour="blue"))
    assert second.sha256 != first.sha256
    assert read_record(folder, first.key) == second


def test_a_done_record_replaces_a_failed_one(folder: Store) -> None:
    file_record(folder, failed(1))
    delivered = deliver(folder, record(1), variant(1).asset, data_of(1))
    assert delivered.status == "done"
    assert delivered.attempts == 2
    assert read_record(folder, delivered.key) == delivered


def test_a_done_record_is_never_replaced(folder: Store) -> None:
    delivered = deliver(folder, record(1), variant(1).asset, data_of(1))
    assert file_record(folder, failed(1)) == delivered
    assert read_record(folder, delivered.key) == delivered


def test_the_latest_failure_is_kept_and_attempts_add_up(folder: Store) -> None:
    file_record(folder, failed(1, "first"))
    stored = file_record(folder, failed(1, "second").model_copy(update={"attempts": 2}))
    assert (stored.cause, stored.attempts) == ("second", 3)
    assert read_record(folder, stored.key) == stored


def test_an_invalid_record_is_reported_and_kept(folder: Store) -> None:
    assert folder.create(record(1).key, b"not a record", "text/plain")
    with pytest.raises(StoreError, match="not a valid brandpress record"):
        file_record(folder, record(1))
    assert folder.read(record(1).key) == b"not a record"


def test_a_lost_picture_that_can_not_be_rendered_again_is_a_failure(folder: Store) -> None:
    deliver(folder, record(1), variant(1).asset, png(1))
    folder.delete(variant(1).asset)
    stored = file_record(folder, failed(1))
    assert (stored.status, stored.attempts) == ("failed", 1)
    assert file_record(folder, failed(1, "again")).attempts == 2
