"""Pictures whose name changed are copied, never rendered again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.rename import copy_renamed
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from tests.pipeline.deliver.records import data_of, record, variant

RENAMED = replace(variant(1), name="new-name")


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


@pytest.fixture
def done(folder: Store) -> dict[str, bytes]:
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in (0, 1)]
    return {one.render_key: one.to_json() for one in records}


def test_only_renamed_pictures_are_copied(folder: Store, done: dict[str, bytes]) -> None:
    assert copy_renamed(folder, [variant(0), variant(1)], done) == 0
    assert copy_renamed(folder, [variant(0), RENAMED, variant(2)], done) == 1
    assert folder.read(RENAMED.asset) == folder.read(variant(1).asset) == data_of(1)
    assert copy_renamed(folder, [variant(0), RENAMED], done) == 1, "again, without harm"


def test_a_damaged_picture_is_not_copied(folder: Store, done: dict[str, bytes]) -> None:
    folder.delete(variant(1).asset)
    with pytest.raises(StoreError, match="missing or damaged"):
        copy_renamed(folder, [RENAMED], done)


def test_a_foreign_file_at_the_new_name_is_reported(folder: Store, done: dict[str, bytes]) -> None:
    assert folder.create(RENAMED.asset, b"by hand", "image/png")
    with pytest.raises(StoreError, match="this name is taken by another file"):
        copy_renamed(folder, [RENAMED], done)
    assert folder.read(RENAMED.asset) == b"by hand"
