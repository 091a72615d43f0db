"""Local folders only: symlinks, full disks, file systems without hard links, crashes."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.store import local
from brandpress.pipeline.store.local import LOCK, LocalStore
from brandpress.pipeline.store.protocol import StoreError

TEXT = "text/plain"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def test_the_root_is_created_with_its_parents(tmp_path: Path) -> None:
    assert LocalStore(tmp_path / "a" / "b").create("c/d", b"x", TEXT)
    assert (tmp_path / "a" / "b" / "c" / "d").read_bytes() == b"x"


@pytest.mark.parametrize("write", ["create", "check"])
def test_new_parents_of_the_root_are_synced_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    """A folder's name is in its parent, so a crash can lose it unless the parent is synced."""
    synced: set[str] = set()
    fsync = os.fsync

    def record(descriptor: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    store = LocalStore(tmp_path / "a" / "b")
    store.check() if write == "check" else store.create("c", b"x", TEXT)
    assert {str(tmp_path), str(tmp_path / "a")} <= synced


def test_a_lock_that_is_never_released_is_reported(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "LOCK_SECONDS", 0.1)
    assert store.replace("latest.json", b"x", TEXT, None)
    with (Path(store.uri) / LOCK).open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="is locked by another process") as error:
            store.replace("latest.json", b"y", TEXT, None)
        assert error.value.scope == "transient"
    assert not store.replace("latest.json", b"y", TEXT, None)


def test_listings_are_read_folder_by_folder(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b", "c"):
        assert store.create(f"{folder}/x", b"", TEXT)
    scanned: list[str] = []
    scandir = os.scandir

    def record(path: str) -> Iterator[os.DirEntry[str]]:
        scanned.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", record)
    keys = store.list("")
    next(keys)
    assert len(scanned) == 2
    assert len(list(keys)) == 2


def test_the_root_can_be_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert LocalStore(tmp_path / "link").create("a", b"x", TEXT)
    assert (tmp_path / "real" / "a").read_bytes() == b"x"


def test_symlinked_folders_below_the_root_are_not_followed(store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    assert store.create("here", b"", TEXT)
    (tmp_path / "store" / "assets").symlink_to(outside)
    with pytest.raises(StoreError, match="symlink"):
        store.create("assets/new", b"x", TEXT)
    with pytest.raises(StoreError, match="symlink"):
        store.replace("assets/secret", b"x", TEXT, None)
    assert store.read("assets/secret") is None
    assert store.stat("assets/secret") is None
    assert list(store.list("")) == ["here"]
    assert list(store.list("assets/")) == []
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


def test_symlinked_files_are_neither_read_nor_replaced(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    assert store.create("here", b"", TEXT)
    (tmp_path / "store" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "store" / "dangling").symlink_to(tmp_path / "nothing")
    for key in ("link", "dangling"):
        assert not store.create(key, b"x", TEXT)
        with pytest.raises(StoreError, match="symlink"):
            store.read(key)
        with pytest.raises(StoreError, match="symlink"):
            store.replace(key, b"x", TEXT, None)
    assert list(store.list("")) == ["here"]
    assert (tmp_path / "secret").read_bytes() == b"secret"
    assert not (tmp_path / "nothing").exists()


def test_a_file_where_a_folder_is_expected_is_reported(store: LocalStore) -> None:
    assert store.create("assets", b"a file", TEXT)
    with pytest.raises(StoreError, match="expected a folder but there is a file or a symlink, or the other way round"):
        store.create("assets/a", b"x", TEXT)
    assert store.read("assets/a") is None


def test_a_folder_where_a_file_is_expected_is_reported_and_leaves_no_descriptor(store: LocalStore) -> None:
    store.create("a/b", b"x", TEXT)
    before = len([*Path("/proc/self/fd").iterdir()])
    for access in (store.read, store.stat, lambda key: store.replace(key, b"y", TEXT, None)):
        with pytest.raises(StoreError, match="/a: expected a folder but there is a file or a symlink, or the other"):
            access("a")
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_a_file_at_the_root_is_reported(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"")
    with pytest.raises(StoreError, match=str(tmp_path / "store")):
        LocalStore(tmp_path / "store").check()


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EDQUOT, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "access denied"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_disk_errors_are_reported_and_leave_no_files(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int, message: str
) -> None:
    assert store.create("a", b"", TEXT)

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=message):
        store.create("b", b"x", TEXT)
    with pytest.raises(StoreError, match=message):
        store.check()
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["a"]


def test_the_first_writer_wins_without_hard_links(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    assert store.create("a", b"first", TEXT)
    assert not store.create("a", b"second", TEXT)
    assert store.read("a") == b"first"
    assert list(store.list("")) == ["a"]


def test_temporary_files_of_a_crash_are_leftovers(store: LocalStore, tmp_path: Path) -> None:
    assert store.create("records/a", b"x", TEXT)
    (tmp_path / "store" / "records" / ".brandpress-0123").write_bytes(b"half")
    assert list(store.list("")) == ["records/a"]
    (leftover,) = store.leftovers("")
    assert (leftover.key, leftover.bytes) == ("records/.brandpress-0123", 4)
    store.delete(leftover.key)
    assert list(store.leftovers("")) == []


def test_the_lock_file_is_not_a_leftover(store: LocalStore) -> None:
    assert store.replace("latest.json", b"x", TEXT, None)
    assert (Path(store.uri) / LOCK).exists()
    assert list(store.leftovers("")) == []


@pytest.mark.parametrize(
    ("number", "scope"),
    [
        (errno.ENOSPC, "store"),
        (errno.EDQUOT, "store"),
        (errno.EROFS, "store"),
        (errno.EACCES, "store"),
        (errno.ENAMETOOLONG, "key"),
        (errno.EIO, "transient"),
        (errno.ESTALE, "transient"),
        (errno.EMFILE, "transient"),
    ],
)
def test_scope_of_disk_errors(store: LocalStore, monkeypatch: pytest.MonkeyPatch, number: int, scope: str) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError) as error:
        store.create("a", b"x", TEXT)
    assert error.value.scope == scope
