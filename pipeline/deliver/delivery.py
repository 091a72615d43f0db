"""Picture bytes and record -> store: the asset first, then its record; the first writer wins."""

from __future__ import annotations

from pydantic import ValidationError

from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.deliver.record import JSON, Record
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

REPLACE_TRIES = 8


def deliver(folder: Store, record: Record, asset: str, data: bytes) -> Record:
    """Write `data` at the key `asset`, then `record` with its digest; returns the record that stands there afterwards.

    Where another picture stands already (another writer was first), that one is kept and the record tells of it.
    """
    if not folder.create(asset, data, CONTENT_TYPES[record.format]):
        data = _standing(folder, asset, data)
    return file_record(
        folder, record.model_copy(update={"asset": asset, "sha256": sha256_hex(data), "bytes": len(data)})
    )


def file_record(folder: Store, record: Record) -> Record:
    """Write `record`; returns the one that stands there afterwards.

    A done record stays for ever. One of a failed variant makes way for any later one, by compare-and-swap; attempts add
    up. Calling it again for a record that was written (an answer was lost) does no harm.
    """
    if folder.create(record.key, record.to_json(), JSON):
        return record
    for _ in range(REPLACE_TRIES):
        stat = folder.stat(record.key)
        standing = read_record(folder, record.key)
        if standing is not None and (standing.status == "done" or _is_ours(standing, record)):
            return standing
        attempts = record.attempts + (standing.attempts if standing else 0)
        ours = record.model_copy(update={"attempts": attempts})
        if folder.replace(ours.key, ours.to_json(), JSON, stat.etag if stat else None):
            return ours
    raise StoreError(f"{folder.uri}/{record.key}: it changes all the time; is another run stuck on this variant?")


def read_record(folder: Store, key: str) -> Record | None:
    """The record at `key`, None if there is none. Raises StoreError if what stands there isn't a record."""
    data = folder.read(key)
    return None if data is None else parse_record(data, f"{folder.uri}/{key}")


def parse_record(data: bytes | str, where: str) -> Record:
    """A record from its JSON. Raises StoreError, with `where`, if it isn't one."""
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors()}))
        raise StoreError(
            f"{where}: isn't a record of brandpress (wrong: {fields}); move it away and run again", "key"
        ) from None


def _is_ours(standing: Record, record: Record) -> bool:
    """Whether `record` stands there already, its attempts added up."""
    return standing == record.model_copy(update={"attempts": standing.attempts})


def _standing(folder: Store, asset: str, ours: bytes) -> bytes:
    """What stands at `asset`; asks for the digest first, which spares reading the picture when it's ours."""
    stat = folder.stat(asset)
    if stat is not None and stat.sha256 == sha256_hex(ours):
        return ours
    standing = folder.read(asset)
    if standing is None:
        raise StoreError(f"{folder.uri}/{asset}: it was there and is gone; is someone deleting? Run again")
    return standing
