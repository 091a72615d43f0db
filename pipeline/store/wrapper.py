"""The base of stores that change one thing about another store: where its keys are, or how it's called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from brandpress.pipeline.store.protocol import Entry, ObjectStat, Store
from brandpress.pipeline.store.s3_dialect import S3Dialect

_Result = TypeVar("_Result")


class StoreWrapper:
    """A Store that forwards every call to another one, with `prefix` before each key."""

    def __init__(self, store: Store, prefix: str = "") -> None:
        self._store = store
        self._prefix = prefix

    def _call(self, action: Callable[[], _Result]) -> _Result:
        """Makes one call to the wrapped store and returns its result. For subclasses to override."""
        return action()

    def _iterate(self, action: Callable[[], Iterator[_Result]]) -> Iterator[_Result]:
        """Makes one call that lists, and returns its items as they arrive. For subclasses to override."""
        return action()

    @property
    def uri(self) -> str:
        return f"{self._store.uri}/{self._prefix.rstrip('/')}" if self._prefix else self._store.uri

    @property
    def dialect(self) -> S3Dialect | None:
        return self._store.dialect

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._call(lambda: self._store.create(self._prefix + key, data, content_type))

    def read(self, key: str) -> bytes | None:
        return self._call(lambda: self._store.read(self._prefix + key))

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        return self._call(lambda: self._store.replace(self._prefix + key, data, content_type, expected))

    def stat(self, key: str) -> ObjectStat | None:
        return self._call(lambda: self._store.stat(self._prefix + key))

    def list(self, prefix: str) -> Iterator[str]:
        keys = self._iterate(lambda: self._store.list(self._prefix + prefix))
        return (key.removeprefix(self._prefix) for key in keys)

    def entries(self, prefix: str) -> Iterator[Entry]:
        return map(self._relative, self._iterate(lambda: self._store.entries(self._prefix + prefix)))

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        return map(self._relative, self._iterate(lambda: self._store.leftovers(self._prefix + prefix)))

    def delete(self, key: str) -> None:
        self._call(lambda: self._store.delete(self._prefix + key))

    def canonical(self, key: str) -> str:
        return self._call(lambda: self._store.canonical(key))

    def check(self) -> tuple[str, ...]:
        return self._call(self._store.check)

    def _relative(self, entry: Entry) -> Entry:
        return replace(entry, key=entry.key.removeprefix(self._prefix))
