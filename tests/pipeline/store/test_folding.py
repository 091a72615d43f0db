"""File systems that ignore case: how they are recognised, and that keys that they merge lose no picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.folding import FOLDS_ALL, Folding, folding_of, probe_folding
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import Store
from tests.folding import FoldingStore

TEXT = "text/plain"
COMPOSED = "\N{LATIN SMALL LETTER E WITH ACUTE}"
DECOMPOSED = "e\N{COMBINING ACUTE ACCENT}"


@pytest.fixture
def folding_store(tmp_path: Path) -> Store:
    """A stand-in for a store that folds case; test_exfat.py runs the same tests on a real one, where there is one."""
    return FoldingStore(LocalStore(tmp_path / "store"))


@pytest.mark.parametrize(
    ("folding", "one", "other", "same"),
    [
        (Folding(False, False), "assets/Mug.png", "assets/mug.png", False),
        (Folding(True, False), "assets/Mug.png", "assets/mug.png", True),
        (
            Folding(True, True),
            "assets/MUG\N{LATIN CAPITAL LETTER E WITH ACUTE}",
            "assets/muge\N{COMBINING ACUTE ACCENT}",
            True,
        ),
        (Folding(False, True), COMPOSED, DECOMPOSED, True),
        (Folding(False, True), COMPOSED, DECOMPOSED.upper(), False),
        (Folding(False, False), COMPOSED, DECOMPOSED, False),
        (FOLDS_ALL, "STRASSE", "stra\N{LATIN SMALL LETTER SHARP S}e", True),
        (FOLDS_ALL, "assets/mug.png", "assets/mug2.png", False),
    ],
)
def test_canonical_keys_are_equal_for_the_same_name(folding: Folding, one: str, other: str, same: bool) -> None:
    assert (folding.canonical(one) == folding.canonical(other)) is same


def test_a_case_sensitive_folder_is_recognised(tmp_path: Path) -> None:
    assert folding_of(tmp_path) is None
    assert probe_folding(tmp_path, ".probe-a1") == Folding(case=False, unicode=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "latest.json").touch()
    assert folding_of(tmp_path) == Folding(case=False, unicode=True)
    (tmp_path / f"caf{COMPOSED}").touch()
    assert folding_of(tmp_path) == Folding(case=False, unicode=False)


def test_both_spellings_in_one_folder_are_no_sign_of_folding(tmp_path: Path) -> None:
    for name in ("a", "A", "b"):
        (tmp_path / name).touch()
    assert folding_of(tmp_path) == Folding(case=False, unicode=True)
    (tmp_path / "b").unlink()
    assert folding_of(tmp_path) is None


def test_canonical_is_the_key_itself_on_stores_that_distinguish_all_keys(store_uri: str) -> None:
    folder = open_campaign(store_uri, "spring")
    folder.check()
    for key in (f"assets/Mug-{COMPOSED}.png", f"assets/Mug-{DECOMPOSED}.png", f"assets/mug-{COMPOSED}.png"):
        assert folder.canonical(key) == key


def test_canonical_stays_the_same_when_the_first_object_is_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    before = store.canonical("Mug")
    assert store.create("a", b"", TEXT)
    store.check()
    assert store.canonical("Mug") == before


def test_keys_that_differ_only_in_case_lose_no_picture(folding_store: Store) -> None:
    assert folding_store.create("assets/Mug.1234.png", b"first", TEXT)
    assert not folding_store.create("assets/mug.1234.png", b"second", TEXT)
    assert folding_store.read("assets/mug.1234.png") == b"first"
    assert not folding_store.replace("assets/MUG.1234.png", b"third", TEXT, None)
    (listed,) = folding_store.list("assets/")
    assert folding_store.canonical(listed) == folding_store.canonical("assets/mug.1234.png")
    assert folding_store.read(listed) == b"first"


def test_a_replaced_object_is_one_object_in_all_spellings(folding_store: Store) -> None:
    assert folding_store.replace("latest.json", b"one", TEXT, None)
    stat = folding_store.stat("LATEST.json")
    assert stat is not None
    assert folding_store.replace("Latest.json", b"two", TEXT, stat.etag)
    assert folding_store.read("latest.json") == b"two"
    assert len(list(folding_store.list(""))) == 1
