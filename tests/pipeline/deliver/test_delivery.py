"""Delivery: the asset before its record, the first writer wins, and done replaces failed but never the reverse."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from brandpress.pipeline.deliver.delivery import deliver, file_record, is_picture_of, read_record
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, Metadata, encode
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.model.small import noise_picture
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


def lossy(format: str, *, colour: str = "red") -> bytes:
    """Returns a noisy JPEG or WebP that carries the render key of variant 1."""
    picture = Image.blend(noise_picture(64, 64, seed=1), Image.new("RGB", (64, 64), colour), 0.5)
    return encode(picture, format, Metadata(render_key=variant(1).render_key, tool="test"))


def bit_flipped(data: bytes) -> bytes:
    """Returns the file with one bit changed among its pixels; it still decodes."""
    changed = bytearray(data)
    changed[-200 if data.startswith(b"\xff") else 300] ^= 1  # a WebP ends with its XMP packet
    with Image.open(BytesIO(bytes(changed))) as picture:
        picture.load()
    return bytes(changed)


@pytest.mark.parametrize("format", ["jpeg", "webp"])
@pytest.mark.parametrize("damage", [bit_flipped, lambda data: data[:-40], lambda data: data[:-300] + data[-2:]])
def test_a_damaged_lossy_picture_is_not_adopted(folder: Store, format: str, damage: Callable[[bytes], bytes]) -> None:
    """A JPEG or WebP has no checksums and decodes to something all the same."""
    damaged, asset = damage(lossy(format)), f"assets/mug.{format}"
    assert folder.create(asset, damaged, CONTENT_TYPES[format])
    delivered = deliver(folder, record(1, format=format), asset, lossy(format, colour="blue"))
    assert delivered.asset == f"assets/mug-2.{format}"
    assert folder.read(asset) == damaged


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_an_intact_lossy_picture_of_another_writer_is_adopted(folder: Store, format: str) -> None:
    other, asset = lossy(format), f"assets/mug.{format}"
    assert folder.create(asset, other, CONTENT_TYPES[format])
    delivered = deliver(folder, record(1, format=format), asset, lossy(format, colour="blue"))
    assert (delivered.asset, delivered.sha256) == (asset, sha256_hex(other))


def test_a_picture_without_a_seal_is_kept_if_its_record_promises_it(folder: Store) -> None:
    """Pictures of earlier versions have none."""
    unsealed = lossy("jpeg").replace(b"brandpress:fileSha256", b"brandpress:other-name")
    asset = "assets/mug.jpeg"
    first = deliver(folder, record(1, format="jpeg"), asset, unsealed)
    second = deliver(folder, record(1, format="jpeg"), asset, lossy("jpeg", colour="blue"))
    assert second == first
    assert [*folder.list("assets/")] == [asset]


def test_a_picture_with_more_pixels_than_it_should_is_not_decoded(folder: Store) -> None:
    header = png(1)
    bomb = header[:16] + struct.pack(">II", 60_000, 60_000) + header[24:]
    assert not is_picture_of(bomb, record(1))


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
