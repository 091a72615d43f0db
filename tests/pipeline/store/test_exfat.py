"""A real file system that ignores case. Collected only where it can be mounted; test_folding.py has a stand-in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.folding import folding_of, probe_folding
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import Store
from tests.folding import exfat_folder
from tests.pipeline.store import test_folding

TEXT = "text/plain"


@pytest.fixture
def exfat(tmp_path: Path) -> Iterator[Path]:
    with exfat_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def folding_store(exfat: Path) -> Store:
    return LocalStore(exfat / "store")


test_keys_that_differ_only_in_case_lose_no_picture = test_folding.test_keys_that_differ_only_in_case_lose_no_picture
test_a_replaced_object_is_one_object_in_all_spellings = (
    test_folding.test_a_replaced_object_is_one_object_in_all_spellings
)


def test_a_file_system_that_folds_case_is_recognised(exfat: Path) -> None:
    assert probe_folding(exfat, ".probe-a1").case
    assert list(exfat.iterdir()) == []
    (exfat / "latest.json").touch()
    folding = folding_of(exfat)
    assert folding is not None
    assert folding.case


def test_canonical_is_found_out_without_writing(exfat: Path) -> None:
    assert LocalStore(exfat / "store").replace("spring/latest.json", b"x", TEXT, None)
    before = sorted(os.walk(exfat))
    folder = open_campaign(str(exfat / "store"), "spring")
    assert folder.canonical("assets/Mug.png") == folder.canonical("assets/mug.png")
    assert sorted(os.walk(exfat)) == before
