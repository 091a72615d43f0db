"""The Store protocol, tested on a local folder and on a real S3 server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from brandpress.pipeline.store import protocol
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreAddressError, StoreError, check_key, sha256_hex

TEXT = "text/plain"
RACERS = 4


@pytest.fixture
def store(store_uri: str) -> Store:
    return open_store(store_uri)


def test_created_objects_are_read_back(store: Store) -> None:
    data = bytes(range(256)) * 5000
    assert store.create("assets/a/b.png", data, "image/png")
    assert store.read("assets/a/b.png") == data
    stat = store.stat("assets/a/b.png")
    assert stat is not None
    assert stat.bytes == len(data)
    assert stat.sha256 == sha256_hex(data)


def test_missing_objects_are_none(store: Store) -> None:
    assert store.read("records/none.json") is None
    assert store.stat("records/none.json") is None
    assert list(store.list("records/")) == []


def test_objects_that_would_fill_the_memory_are_not_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.create("assets/a.png", b"x" * 101, "image/png")
    monkeypatch.setattr(protocol, "MAX_OBJECT_BYTES", 101)
    assert store.read("assets/a.png") == b"x" * 101
    monkeypatch.setattr(protocol, "MAX_OBJECT_BYTES", 100)
    with pytest.raises(StoreError, match=r"a.png: the object has 101 bytes; allowed: at most 100") as error:
        store.read("assets/a.png")
    assert error.value.scope == "key"


def test_create_keeps_an_existing_object(store: Store) -> None:
    assert store.create("a", b"first", TEXT)
    assert not store.create("a", b"second", TEXT)
    assert store.read("a") == b"first"


def test_concurrent_creates_have_one_winner(store: Store) -> None:
    barrier = Barrier(RACERS)

    def race(number: int) -> bool:
        barrier.wait()
        return store.create("contended", str(number).encode(), TEXT)

    with ThreadPoolExecutor(RACERS) as threads:
        results = list(threads.map(race, range(RACERS)))
    assert sum(results) == 1
    assert store.read("contended") == str(results.index(True)).encode()


def test_replace_requires_the_current_etag(store: Store) -> None:
    assert store.replace("latest.json", b"one", TEXT, None)
    assert not store.replace("latest.json", b"late", TEXT, None)
    stat = store.stat("latest.json")
    assert stat is not None
    assert store.replace("latest.json", b"two", TEXT, stat.etag)
    assert not store.replace("latest.json", b"late", TEXT, stat.etag)
    assert store.read("latest.json") == b"two"


def test_replace_with_an_etag_requires_an_object(store: Store) -> None:
    assert store.create("here", b"", TEXT)
    stat = store.stat("here")
    assert stat is not None
    assert not store.replace("elsewhere", b"new", TEXT, stat.etag)
    assert store.read("elsewhere") is None


def test_concurrent_replaces_have_one_winner(store: Store) -> None:
    assert store.create("pointer", b"before", TEXT)
    stat = store.stat("pointer")
    assert stat is not None
    barrier = Barrier(RACERS)

    def race(number: int) -> bool:
        barrier.wait()
        return store.replace("pointer", str(number).encode(), TEXT, stat.etag)

    with ThreadPoolExecutor(RACERS) as threads:
        results = list(threads.map(race, range(RACERS)))
    assert sum(results) == 1
    assert store.read("pointer") == str(results.index(True)).encode()


def test_list_returns_all_keys_with_the_prefix(store: Store) -> None:
    records = {f"records/{number:04}.json" for number in range(30)}
    keys = records | {"records-old", "assets/x/y.png", "latest"}
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda key: store.create(key, key.encode(), TEXT), keys))
    assert sorted(store.list("")) == sorted(keys)
    assert sorted(store.list("records/")) == sorted(records)
    assert sorted(store.list("records")) == sorted(records | {"records-old"})
    assert list(store.list("assets/x")) == ["assets/x/y.png"]
    assert list(store.list("nothing/")) == []


def test_entries_have_sizes_and_times(store: Store) -> None:
    before = time.time()
    assert store.create("assets/a.png", b"12345", "image/png")
    (entry,) = store.entries("assets/")
    assert (entry.key, entry.bytes) == ("assets/a.png", 5)
    assert before - 5 <= entry.modified <= time.time() + 5


def test_delete_is_idempotent(store: Store) -> None:
    for key in ("assets/a.png", "assets/b.png"):
        assert store.create(key, b"x", "image/png")
    for _ in range(2):
        store.delete("assets/a.png")
    store.delete("nothing/here.png")
    assert list(store.list("")) == ["assets/b.png"]
    assert store.create("assets/a.png", b"anew", "image/png")


@pytest.mark.parametrize("key", ["", "../outside", "/absolute", "a//b"])
def test_delete_refuses_unsafe_keys(store: Store, key: str) -> None:
    with pytest.raises(StoreAddressError):
        store.delete(key)


def test_check_is_repeatable_and_leaves_no_listed_objects(store: Store) -> None:
    assert store.check() == ()
    assert store.check() == ()
    assert list(store.list("")) == []


def test_a_campaign_folder_prefixes_its_keys(store_uri: str) -> None:
    folder = open_campaign(store_uri, "spring")
    assert folder.create("assets/a.png", b"a", "image/png")
    assert folder.uri == f"{store_uri}/spring"
    assert list(folder.list("")) == ["assets/a.png"]
    assert list(open_store(store_uri).list("")) == ["spring/assets/a.png"]
    assert list(open_campaign(store_uri, "spr").list("")) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/absolute",
        "folder/",
        "a//b",
        "../outside",
        "a/../../b",
        "a/./b",
        "a\\b",
        "new\nline",
        "nul\0",
        "not-utf-8\udcff",
        "half-a-pair\ud800",
        ".brandpress-lock",
        "a/.brandpress-x/b",
        "x" * 256,
        "/".join(["x" * 200] * 6),
    ],
)
def test_every_operation_refuses_unsafe_keys(store: Store, key: str) -> None:
    with pytest.raises(StoreAddressError):
        check_key(key)
    for call in (
        lambda: store.create(key, b"", TEXT),
        lambda: store.replace(key, b"", TEXT, None),
        lambda: store.read(key),
        lambda: store.stat(key),
    ):
        with pytest.raises(StoreAddressError):
            call()


@pytest.mark.parametrize("key", ["häuser/füchse.png", "日本/狐.png", "with space.png", "a+b&c=d%20.png", "..."])
def test_unusual_keys_are_kept(store: Store, key: str) -> None:
    assert store.create(key, b"x", TEXT)
    assert list(store.list("")) == [key]
    assert store.read(key) == b"x"
