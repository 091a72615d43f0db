"""Writes assets and records to the store: the asset first, then its record. The first writer wins."""

from __future__ import annotations

from pydantic import ValidationError

from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.deliver.record import JSON, Record
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

MAX_REPLACE_ATTEMPTS = 8


def deliver(folder: Store, record: Record, asset: str, data: bytes) -> Record:
    """Writes `data` at the key `asset`, then `record` with its digest. Returns the record now in the store.

    If another writer was first, its picture is kept and described by the record. Raises StoreError.
    """
    if not folder.create(asset, data, CONTENT_TYPES[record.format]):
        data = _existing_asset(folder, asset, data)
    return file_record(
        folder, record.model_copy(update={"asset": asset, "sha256": sha256_hex(data), "bytes": len(data)})
    )


def file_record(folder: Store, record: Record) -> Record:
    """Writes `record` and returns the record now in the store.

    The record of a done variant is never replaced. Any other is replaced by the new one, by compare-and-swap, and their
    attempts are added up. Writing the same record again (after a lost response) changes nothing.

    Raises StoreError.
    """
    if _first_write(folder, record):
        return record
    for _ in range(MAX_REPLACE_ATTEMPTS):
        stat = folder.stat(record.key)
        existing = read_record(folder, record.key)
        if existing is not None and (existing.status == "done" or _same_attempt(existing, record)):
            return existing
        attempts = record.attempts + (existing.attempts if existing else 0)
        replacement = record.model_copy(update={"attempts": attempts})
        if folder.replace(replacement.key, replacement.to_json(), JSON, stat.etag if stat else None):
            return replacement
    raise StoreError(
        f"{folder.uri}/{record.key}: the record changed in each of {MAX_REPLACE_ATTEMPTS} attempts to replace it; "
        "check whether another run is stuck on this variant"
    )


def _first_write(folder: Store, record: Record) -> bool:
    """Writes `record` if there is none. Only a done one is created, that is, may be cached for ever."""
    if record.status == "done":
        return folder.create(record.key, record.to_json(), JSON)
    return folder.replace(record.key, record.to_json(), JSON, None)


def read_record(folder: Store, key: str) -> Record | None:
    """Returns the record at `key`, or None if the key doesn't exist. Raises StoreError if it isn't a valid record."""
    data = folder.read(key)
    return None if data is None else parse_record(data, f"{folder.uri}/{key}")


def parse_record(data: bytes | str, where: str) -> Record:
    """Returns the record in `data` (JSON). Raises StoreError, starting with `where`, if it isn't a valid record."""
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors()}))
        raise StoreError(
            f"{where}: not a valid brandpress record (invalid: {fields}); move the file away and run again", "key"
        ) from None


def _same_attempt(existing: Record, record: Record) -> bool:
    """Returns whether `existing` is `record` with added up attempts."""
    return existing == record.model_copy(update={"attempts": existing.attempts})


def _existing_asset(folder: Store, asset: str, data: bytes) -> bytes:
    """Returns the content of `asset`. Its digest is compared first, so that an asset equal to `data` isn't read."""
    stat = folder.stat(asset)
    if stat is not None and stat.sha256 == sha256_hex(data):
        return data
    existing = folder.read(asset)
    if existing is None:
        raise StoreError(f"{folder.uri}/{asset}: the asset existed and was deleted during delivery; run again")
    return existing
