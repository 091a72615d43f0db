"""Writes assets and records to the store: the asset first, then its record. The first writer wins."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from pydantic import ValidationError

from brandpress.pipeline.deliver.content_credentials import has_credentials, without_credentials
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, is_sealed
from brandpress.pipeline.deliver.record import JSON, Record, invalid_fields
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

MAX_REPLACE_ATTEMPTS = 8
MAX_NAMES = 20


def deliver(folder: Store, record: Record, asset: str, data: bytes) -> Record:
    """Writes `data` at the key `asset`, then `record` with its digest. Returns the record now in the store.

    If another writer was first and its file is an undamaged picture of the same render key, that picture is kept and
    described by the record. Anything else at that key is left alone, and the picture gets the next free name. Raises
    StoreError.
    """
    key, data = write_asset(folder, record, asset, data)
    return file_record(folder, record.model_copy(update={"asset": key, "sha256": sha256_hex(data), "bytes": len(data)}))


def file_record(folder: Store, record: Record) -> Record:
    """Writes `record` and returns the record now in the store.

    The record of a done variant is replaced only if its own picture is missing or damaged. Any other record is replaced
    by the new one, by compare-and-swap, and their attempts are added up. Writing the same record again (after a lost
    response) changes nothing.

    Raises StoreError.
    """
    # not created, because caches would keep it, and another name or other texts may replace it
    if folder.replace(record.key, record.to_json(), JSON, None):
        return record
    for _ in range(MAX_REPLACE_ATTEMPTS):
        stat = folder.stat(record.key)
        existing = read_record(folder, record.key)
        if existing is not None and _same_attempt(existing, record):
            return existing
        if existing is not None and existing.status == "done":
            if _has_picture(folder, existing):
                return existing
            replacement = record
        else:
            attempts = record.attempts + (existing.attempts if existing else 0)
            replacement = record.model_copy(update={"attempts": attempts})
        if folder.replace(replacement.key, replacement.to_json(), JSON, stat.etag if stat else None):
            return replacement
    raise StoreError(
        f"{folder.uri}/{record.key}: the record changed in each of {MAX_REPLACE_ATTEMPTS} attempts to replace it; "
        "check whether another run is stuck on this variant"
    )


def read_record(folder: Store, key: str) -> Record | None:
    """Returns the record at `key`, or None if the key doesn't exist.

    Raises StoreError if it isn't a valid record, or if it's the record of another variant.
    """
    data = folder.read(key)
    if data is None:
        return None
    where = f"{folder.uri}/{key}"
    record = parse_record(data, where)
    if record.key != key:
        message = f"{where}: holds the record of another variant, {record.name}; move the file away and run again"
        raise StoreError(message, "key")
    return record


def read_valid_record(folder: Store, key: str) -> Record | None:
    """Returns the record at `key`, or None if there is none that is valid. Raises StoreError."""
    try:
        return read_record(folder, key)
    except StoreError as error:
        if error.scope != "key":
            raise
        return None


def parse_record(data: bytes | str, where: str) -> Record:
    """Returns the record in `data` (JSON). Raises StoreError, starting with `where`, if it isn't a valid record."""
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        problem = f"not a valid brandpress record (invalid: {invalid_fields(error)})"
        raise StoreError(f"{where}: {problem}; move the file away and run again", "key") from None


def _same_attempt(existing: Record, record: Record) -> bool:
    """Returns whether `existing` is `record` with added up attempts."""
    return existing == record.model_copy(update={"attempts": existing.attempts})


def write_asset(folder: Store, record: Record, asset: str, data: bytes) -> tuple[str, bytes]:
    """Returns the key and the content of the asset that now holds the picture of `record`."""
    stem, _, extension = asset.rpartition(".")
    for number in range(1, MAX_NAMES + 1):
        key = asset if number == 1 else f"{stem}-{number}.{extension}"
        if folder.create(key, data, CONTENT_TYPES[record.format]):
            return key, data
        existing = _existing_asset(folder, key, data)
        if existing is None:
            raise StoreError(f"{folder.uri}/{key}: the asset existed and was deleted during delivery; run again")
        if existing == data or is_picture_of(existing, record) or _is_recorded(folder, record.key, key, existing):
            return key, existing
    raise StoreError(f"{folder.uri}/{asset}: this name and {MAX_NAMES - 1} more are taken by foreign files", "key")


def _existing_asset(folder: Store, asset: str, data: bytes) -> bytes | None:
    """Returns the content of `asset`. Its digest is compared first, so that an asset equal to `data` isn't read."""
    stat = folder.stat(asset)
    if stat is not None and stat.sha256 == sha256_hex(data):
        return data
    return folder.read(asset)


def read_delivered(folder: Store, key: str) -> Record | None:
    """Returns the record at `key` if it is that of a done variant whose picture is there, otherwise None.

    Raises StoreError.
    """
    record = read_record(folder, key)
    return record if record is not None and record.status == "done" and _has_picture(folder, record) else None


def _has_picture(folder: Store, record: Record) -> bool:
    """Whether the asset of a done record exists unchanged."""
    stat = None if record.asset is None else folder.stat(record.asset)
    if stat is None or record.asset is None:
        return False
    return (stat.sha256 or sha256_hex(folder.read(record.asset) or b"")) == record.sha256


def _is_recorded(folder: Store, record_key: str, asset: str, data: bytes) -> bool:
    """Whether the record in the store, if it's a valid one, says that the asset at this key has this content."""
    record = read_valid_record(folder, record_key)
    return record is not None and (record.status, record.asset, record.sha256) == ("done", asset, sha256_hex(data))


def is_picture_of(data: bytes, record: Record) -> bool:
    """Whether `data` is a complete and undamaged picture in the format and size of `record`, with its render key, and
    signed if the record's is.

    A PNG is checked by the checksums of its chunks, a JPEG or a WebP by its seal (see `encode`), which was made before
    it was signed.
    """
    if record.render_key.encode() not in data or (record.signed_by is not None and not has_credentials(data)):
        return False
    if record.format != "png" and not is_sealed(without_credentials(data)):
        return False
    try:
        with Image.open(BytesIO(data), formats=[record.format.upper()]) as picture:
            if picture.size != (record.width, record.height):
                return False
            picture.verify()
        with Image.open(BytesIO(data), formats=[record.format.upper()]) as picture:
            picture.load()
    except Exception:  # Pillow raises errors of many classes for damaged files
        return False
    return True
