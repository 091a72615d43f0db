"""The Store protocol: a few operations with the same guarantees on a local folder and on S3.

A store is a flat space of keys below one root (a folder, or a bucket and a prefix). `create` never changes an existing
object; objects that have to change (a pointer, the record of a failed variant) are replaced by compare-and-swap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.store.s3_dialect import S3Dialect

INTERNAL_PREFIX = ".brandpress-"
MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255
MAX_OBJECT_BYTES = 2 << 30
"""No object of ours is larger. `read` refuses others, which would fill the memory."""


Scope = Literal["transient", "key", "store"]
"""transient: a retry may succeed. key: permanent, for this object only. store: permanent, for every object."""


class StoreError(BrandpressError):
    """The store can't be read or written. The message says where, why and what to do, without credentials."""

    def __init__(self, message: str, scope: Scope = "transient") -> None:
        super().__init__(message)
        self.scope = scope


class StoreAddressError(StoreError):
    """A delivery address or a key that isn't valid in any store."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "key")


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """An object's etag (for `replace`), its size in bytes, and its SHA-256 in hex if the store knows it."""

    etag: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in a listing: its key, its size in bytes, and when it was written, in seconds since 1970. etag: empty
    if the store lists none."""

    key: str
    bytes: int
    modified: float
    etag: str = ""


class Store(Protocol):
    """Keys are relative paths with `/` between segments. Every method raises StoreError if the store can't be used."""

    @property
    def uri(self) -> str:
        """Where the store is, for messages."""

    @property
    def dialect(self) -> S3Dialect | None:
        """What is known about an S3 server, for `open_store` in another process. None if it's another kind."""

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        """Writes `data` at `key` atomically and returns True, or returns False if the key exists.

        For objects that never change: S3 lets caches keep them for ever. Use `replace` for all others, also at first.
        """

    def read(self, key: str) -> bytes | None:
        """Returns the content at `key`, or None if the key doesn't exist.

        Raises StoreError if it is larger than MAX_OBJECT_BYTES.
        """

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        """Writes `data` at `key` if the object there still has the etag `expected` (None: if there is no object).

        Returns False if the object has changed. To update an object, call `stat` before `read`: in the other order, a
        change between the two calls would be overwritten.
        """

    def stat(self, key: str) -> ObjectStat | None:
        """Returns the etag, size and digest of the object at `key`, or None if the key doesn't exist."""

    def list(self, prefix: str) -> Iterator[str]:
        """Returns all keys that start with `prefix`, in no particular order, without the store's internal objects."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Returns what `list` returns, with sizes and times."""

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        """Returns temporary objects that killed writers left behind. `delete` accepts their keys."""

    def delete(self, key: str) -> None:
        """Deletes the object at `key`, if there is one."""

    def canonical(self, key: str) -> str:
        """Returns a text that is equal for all keys that name the same object here. Compare keys from different sources
        (a listing, a record) by it; never open it.

        It's the key itself, except on file systems that ignore case or normalise Unicode. Writes nothing, and stays the
        same for the life of the store.
        """

    def check(self) -> tuple[str, ...]:
        """Checks before a run that the store is writable. Returns warnings to show. Raises StoreError if it isn't."""


def sha256_hex(data: bytes) -> str:
    """Returns the SHA-256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


def check_size(where: str, size: int) -> None:
    """Raises StoreError if an object of `size` bytes is too large to be read."""
    if size > MAX_OBJECT_BYTES:
        raise StoreError(f"{where}: the object has {size:,} bytes; allowed: at most {MAX_OBJECT_BYTES:,}", "key")


def check_key(key: str, *, leftover: bool = False) -> str:
    """Returns `key` if it's safe on S3 and on file systems. Raises StoreAddressError with the reason.

    leftover: allow a last segment with the prefix of the store's temporary files.
    """
    segments = key.split("/")
    reason = None
    if any(0xD800 <= ord(character) <= 0xDFFF for character in key):  # how Python reads other bytes in file names
        reason = "isn't UTF-8"
    elif len(key.encode()) > MAX_KEY_BYTES:
        reason = f"is longer than {MAX_KEY_BYTES} bytes"
    elif any(segment in ("", ".", "..") for segment in segments):
        reason = "has an empty, `.` or `..` segment"
    elif "\\" in key or any(ord(character) < 32 or ord(character) == 127 for character in key):
        reason = "has a backslash or a control character"
    elif any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        reason = f"has a segment of more than {MAX_SEGMENT_BYTES} bytes"
    elif any(segment.startswith(INTERNAL_PREFIX) for segment in (segments[:-1] if leftover else segments)):
        reason = f"has a segment that begins with {INTERNAL_PREFIX!r}, which is reserved"
    if reason:
        raise StoreAddressError(f"the key {key!r} {reason}")
    return key
