"""What was read from a store before, for objects that are listed again with the same content."""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Unchanged(Generic[Value]):
    """Values that this process has made of objects' contents. Thread-safe: each step is one operation of a dict.

    Only where the etag of a listing is the content's MD5, as it is on most S3 servers: then it says which content an
    object has, and no value is ever out of date. limit: how many values are kept; then all are forgotten.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._values: dict[tuple[str, str], Value] = {}

    def get(self, where: str, etag: str) -> Value | None:
        """Returns the value of the object at this address; None if it isn't known. etag: empty if none is listed."""
        return self._values.get((where, etag)) if etag else None

    def put(self, where: str, etag: str, content: bytes, value: Value) -> None:
        """Keeps the value that was made of an object's content, if that content has the listed etag."""
        if etag.strip('"') != hashlib.md5(content, usedforsecurity=False).hexdigest():
            return
        if len(self._values) >= self._limit:
            self._values.clear()
        self._values[where, etag] = value
