"""The store: few verbs over a local folder or a bucket, the same promises on both.

A store is a flat space of keys below one root (a folder, or a bucket and a prefix). What is created is never changed by
`create`; what has to change (a pointer, the record of a failed variant) changes by compare-and-swap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from brandpress.model.errors import BrandpressError

OWN_PREFIX = ".brandpress-"
MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255


Scope = Literal["moment", "key", "store"]


class StoreError(BrandpressError):
    """The store can't be read or written; says where, why, and what to do. Never holds credentials.

    scope: "moment": trying again later may help. "key": this object can't be read or written, others may. "store":
    nothing can, until a person does something about it.
    """

    def __init__(self, message: str, scope: Scope = "moment") -> None:
        super().__init__(message)
        self.scope = scope


class StoreAddressError(StoreError):
    """A delivery address or a key that no store can have."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "key")


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What a store knows of an object: the tag for `replace`, its size in bytes, and its SHA-256 in hex if known."""

    etag: str
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing tells of it: its size in bytes, and when it was written, in seconds since 1970."""

    key: str
    bytes: int
    modified: float


class Store(Protocol):
    """Keys are relative, `/` between segments. Every method raises StoreError when the store can't be used."""

    @property
    def uri(self) -> str:
        """Where the store is, for messages and people."""

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        """Write `data` if nothing stands at `key`, whole or not at all. True: written. False: something stood there."""

    def read(self, key: str) -> bytes | None:
        """What stands at `key`; None if nothing does."""

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        """Write `data` if what stands at `key` still has the etag `expected` (None: nothing stands there).

        False: it's another one by now. Ask `stat` first, then `read`: the other order can lose a change.
        """

    def stat(self, key: str) -> ObjectStat | None:
        """What the store knows of `key`; None if nothing stands there."""

    def list(self, prefix: str) -> Iterator[str]:
        """All keys that begin with `prefix`, in no particular order; without the store's own bookkeeping."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """What `list` lists, with sizes and times."""

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        """What writers that were killed have left behind; `delete` takes these keys, too."""

    def delete(self, key: str) -> None:
        """Delete what stands at `key`, if anything does."""

    def check(self) -> tuple[str, ...]:
        """Try the store before work begins. Raises StoreError if it can't be written; returns warnings for people."""


def sha256_hex(data: bytes) -> str:
    """The SHA-256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def check_key(key: str, *, leftover: bool = False) -> str:
    """`key` itself if it's safe on S3 and on file systems. Raises StoreAddressError with the reason.

    leftover: its last segment may be one of the store's own.
    """
    segments = key.split("/")
    reason = None
    if len(key.encode()) > MAX_KEY_BYTES:
        reason = f"is longer than {MAX_KEY_BYTES} bytes"
    elif any(segment in ("", ".", "..") for segment in segments):
        reason = "has an empty, `.` or `..` segment"
    elif "\\" in key or any(ord(character) < 32 or ord(character) == 127 for character in key):
        reason = "has a backslash or a control character"
    elif any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        reason = f"has a segment of more than {MAX_SEGMENT_BYTES} bytes"
    elif any(segment.startswith(OWN_PREFIX) for segment in (segments[:-1] if leftover else segments)):
        reason = f"has a segment that begins with {OWN_PREFIX!r}, which the store keeps for itself"
    if reason:
        raise StoreAddressError(f"the key {key!r} {reason}")
    return key
