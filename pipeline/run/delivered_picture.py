"""Finds the record of a delivered picture: by the render key in its metadata or in its name, or in a record's file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.delivery import parse_record, read_record
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.record import RECORDS, Record, record_key
from brandpress.pipeline.deliver.xmp import Metadata
from brandpress.pipeline.plan.variant import KEY_DIGITS
from brandpress.pipeline.store.protocol import MAX_OBJECT_BYTES, Store, sha256_hex

_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(rf"\.([0-9a-f]{{{KEY_DIGITS}}})(?:-[0-9]+)?\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class DeliveredPicture:
    """A picture's file, what its XMP packet says (None if it has none), and its record."""

    data: bytes
    metadata: Metadata | None
    record: Record


def find_delivered(folder: Store, file: Path) -> DeliveredPicture:
    """Returns the picture in `file`, or that of the record in `file`, with its record.

    folder: the campaign's. Raises RequestError if the file can't be read, or belongs to no picture of the campaign, and
    StoreError.
    """
    data = _read(file)
    if data.lstrip()[:1] == b"{":
        record = _done(parse_record(data, str(file)), file)
        stored = folder.read(str(record.asset))
        if stored is None or sha256_hex(stored) != record.sha256:
            problem = "is missing" if stored is None else "was changed"
            raise RequestError(
                f"{folder.uri}/{record.asset} {problem}; run `brandpress verify --repair`, or name the picture's file"
            )
        return DeliveredPicture(stored, read_metadata(stored), record)
    metadata = read_metadata(data)
    key = metadata.render_key if metadata and _KEY.fullmatch(metadata.render_key) else _key_of_name(folder, file)
    stored_record = None if key is None else read_record(folder, record_key(key))
    if stored_record is None:
        if key is None:
            what = "neither its metadata nor the end of its name has the render key of a picture"
        else:
            what = f"there is no record of {key}"
        raise RequestError(f"{file}: {what} in {folder.uri}; name the job that made it, or the file of its record")
    return DeliveredPicture(data, metadata, _done(stored_record, file))


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > MAX_OBJECT_BYTES:
            raise RequestError(f"{file} has {size:,} bytes; allowed: at most {MAX_OBJECT_BYTES:,}")
        return file.read_bytes()
    except OSError as error:
        raise RequestError(f"{file} can't be read: {error.strerror or type(error).__name__}") from None


def _done(record: Record, file: Path) -> Record:
    if record.status != "done" or record.asset is None:
        raise RequestError(f"{file}: the record is that of a picture that has {record.status}, so there is no picture")
    return record


def _key_of_name(folder: Store, file: Path) -> str | None:
    """Returns the render key that the end of a file's name begins, if the campaign has a record of one such key."""
    digits = _NAME.search(file.name)
    if digits is None:
        return None
    keys = [key.removeprefix(RECORDS).removesuffix(".json") for key in folder.list(f"{RECORDS}{digits[1]}")]
    return keys[0] if len(keys) == 1 else None
