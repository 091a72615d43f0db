"""One campaign's folder in a store: the only place that knows where campaigns lie below the delivery address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import Entry, ObjectStat, Store


class Folder:
    """The part of a store below one folder, itself a Store: its keys are those that records and pointers name."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._prefix = f"{name}/"

    @property
    def uri(self) -> str:
        return f"{self._store.uri}/{self._prefix.rstrip('/')}"

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._store.create(self._prefix + key, data, content_type)

    def read(self, key: str) -> bytes | None:
        return self._store.read(self._prefix + key)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        return self._store.replace(self._prefix + key, data, content_type, expected)

    def stat(self, key: str) -> ObjectStat | None:
        return self._store.stat(self._prefix + key)

    def list(self, prefix: str) -> Iterator[str]:
        for key in self._store.list(self._prefix + prefix):
            yield key.removeprefix(self._prefix)

    def entries(self, prefix: str) -> Iterator[Entry]:
        return map(self._own, self._store.entries(self._prefix + prefix))

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        return map(self._own, self._store.leftovers(self._prefix + prefix))

    def delete(self, key: str) -> None:
        self._store.delete(self._prefix + key)

    def check(self) -> tuple[str, ...]:
        return self._store.check()

    def _own(self, entry: Entry) -> Entry:
        return replace(entry, key=entry.key.removeprefix(self._prefix))


def campaign_folder(store: Store, campaign: str) -> Store:
    """The folder of `campaign` in the store at its delivery address."""
    return Folder(store, campaign)


def open_campaign(address: DeliveryAddress | str, campaign: str) -> Store:
    """The folder of `campaign` in the store at `address`."""
    return campaign_folder(open_store(address), campaign)
