"""Overwriting, in a folder and on a real S3 server."""

from __future__ import annotations

import pytest

from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.overwrite import overwrite
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper


class ChangingStore(StoreWrapper):
    """A store in which somebody else writes just before each of the first writes. Stands in for other processes, whose
    order no test can choose."""

    def __init__(self, store: Store, changes: int) -> None:
        super().__init__(store)
        self.changes = changes

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        if self.changes:
            self.changes -= 1
            stat = self.stat(key)
            super().replace(key, f"other {self.changes}".encode(), content_type, stat.etag if stat else None)
        return super().replace(key, data, content_type, expected)


@pytest.mark.parametrize("changes", [0, 2])
def test_an_object_is_overwritten_whatever_is_there(store_uri: str, changes: int) -> None:
    store = ChangingStore(open_store(store_uri), changes)
    for data in (b"first", b"second"):
        overwrite(store, "a/b", data, "text/plain")
        assert store.read("a/b") == data


def test_an_object_that_others_keep_changing_is_an_error(store_uri: str) -> None:
    store = ChangingStore(open_store(store_uri), 100)
    with pytest.raises(StoreError, match="/a: others keep changing this object; run again"):
        overwrite(store, "a", b"mine", "text/plain")
