"""Wrapped stores: listings are passed on as they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brandpress.pipeline.store.folder import campaign_folder
from brandpress.pipeline.store.local import LocalStore


class RecordingStore(LocalStore):
    """Lists three keys, and records which of them have been read."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.listed: list[str] = []

    def list(self, prefix: str) -> Iterator[str]:
        for name in ("a", "b", "c"):
            self.listed.append(f"{prefix}{name}")
            yield self.listed[-1]


def test_a_campaign_folder_does_not_collect_its_listings(tmp_path: Path) -> None:
    store = RecordingStore(str(tmp_path))
    keys = iter(campaign_folder(store, "spring").list("records/"))
    assert next(keys) == "records/a"
    assert store.listed == ["spring/records/a"]
    assert list(keys) == ["records/b", "records/c"]
