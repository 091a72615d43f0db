"""Manifests: immutable files, then the pointer by compare-and-swap; nothing is written if nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from brandpress.pipeline.deliver import manifest
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    BrokenManifestError,
    Published,
    digest_of,
    publish,
    read_latest,
    read_records,
)
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex
from tests.pipeline.deliver.records import HEADER, failed, record


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def never() -> Iterable[Record]:
    raise AssertionError("no other run published, so there is nothing to refresh")


def published(folder: Store) -> Published:
    latest = read_latest(folder)
    assert latest is not None
    return latest


def test_there_is_no_manifest_before_the_first(folder: Store) -> None:
    assert read_latest(folder) is None


def test_a_published_manifest_is_read_back_with_correct_digests(folder: Store) -> None:
    records = [record(2), failed(1), record(0)]
    pointer = publish(folder, HEADER, 4, records, never).pointer
    assert json.loads(folder.read(LATEST) or b"") == {"manifest": pointer.manifest, "sha256": pointer.sha256}
    assert pointer.manifest == "manifests/00000001/manifest.json"
    assert sha256_hex(folder.read(pointer.manifest) or b"") == pointer.sha256
    manifest = json.loads(folder.read(pointer.manifest) or b"")
    assert manifest["counts"] == {"planned": 4, "done": 2, "failed": 1}
    assert (manifest["campaign"], manifest["brand"], manifest["number"]) == ("spring", "northwind", 1)
    assert manifest["status"] == "partial"
    assert manifest["model"] == {"name": "nano", "weights_digest": "d" * 64, "licence": "Apache-2.0"}
    (part,) = manifest["parts"]
    lines = folder.read(f"manifests/00000001/{part['file']}") or b""
    assert (sha256_hex(lines), lines.count(b"\n")) == (part["sha256"], part["records"])
    assert [json.loads(line)["name"] for line in lines.splitlines()] == sorted(one.name for one in records)
    assert read_records(folder, published(folder)) == tuple(sorted(records, key=lambda one: one.name))


def test_a_complete_campaign_is_done(folder: Store) -> None:
    assert publish(folder, HEADER, 2, [record(0), record(1)], never).manifest.status == "done"


def test_publishing_the_same_again_writes_nothing(folder: Store) -> None:
    publish(folder, HEADER, 2, [record(0), record(1)], never)
    before = {key: folder.stat(key) for key in folder.list("")}
    publish(folder, HEADER, 2, [record(1), record(0)], never)
    assert {key: folder.stat(key) for key in folder.list("")} == before


def test_a_manifest_without_a_digest_counts_as_the_same(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(manifest, "digest_of", lambda records: "")
        publish(folder, HEADER, 1, [record(0)], never)
    assert publish(folder, HEADER, 1, [record(0)], never).manifest.number == 1
    assert publish(folder, HEADER, 2, [record(0), record(1)], never).manifest.number == 2


@pytest.mark.parametrize("change", [{"name": "other"}, {"sha256": "1" * 64}, {"render_key": "2" * 64}])
def test_the_digest_depends_on_pictures_only(change: dict[str, str]) -> None:
    one, two = record(0, sha256="0" * 64), record(1, sha256="3" * 64)
    digest = digest_of([one, two])
    ignored = {"attempts": 3, "timings": {"model": 2.0}, "host": {"device": "other"}, "cost": 1.0}
    assert digest_of([two, one.model_copy(update=ignored), failed(2)]) == digest
    assert digest_of([one.model_copy(update=change), two]) != digest


@pytest.mark.parametrize(
    ("header", "planned", "records"),
    [
        (HEADER, 2, [record(0), record(1)]),
        (HEADER, 3, [record(0)]),
        (HEADER.model_copy(update={"spec_sha256": "6" * 64}), 2, [record(0)]),
    ],
)
def test_any_change_is_a_new_manifest(folder: Store, header: object, planned: int, records: list[Record]) -> None:
    first = publish(folder, HEADER, 2, [record(0)], never)
    second = publish(folder, header, planned, records, never)  # type: ignore[arg-type]
    assert (first.manifest.number, second.manifest.number) == (1, 2)
    assert published(folder).pointer == second.pointer
    assert read_records(folder, first) == (record(0),)


def test_the_number_of_a_killed_run_is_skipped(folder: Store) -> None:
    assert folder.create("manifests/00000001/variants.jsonl", b"half a run", "application/jsonl")
    assert publish(folder, HEADER, 1, [record(0)], never).manifest.number == 2
    assert read_records(folder, published(folder)) == (record(0),)


def test_records_of_a_run_that_published_in_the_meantime_are_kept(folder: Store) -> None:
    """The other run publishes after we read `latest.json` and before we replace it."""
    other = open_campaign(folder.uri.rsplit("/", 1)[0], "spring")

    class Interrupted:
        """The folder; the other run publishes right after we wrote our records."""

        uri = folder.uri
        interrupted = False

        def __getattr__(self, name: str) -> object:
            return getattr(folder, name)

        def create(self, key: str, data: bytes, content_type: str) -> bool:
            created = folder.create(key, data, content_type)
            if not self.interrupted:
                self.interrupted = True
                publish(other, HEADER, 2, [record(1)], never)
            return created

    latest = publish(Interrupted(), HEADER, 2, [record(0)], lambda: [record(0), record(1)])  # type: ignore[arg-type]
    assert latest.manifest.status == "done"
    assert published(folder).pointer == latest.pointer
    assert read_records(folder, latest) == (record(0), record(1))


def overwrite(folder: Store, key: str, data: bytes) -> None:
    stat = folder.stat(key)
    assert stat is not None
    assert folder.replace(key, data, "application/json", stat.etag)


@pytest.mark.parametrize("key", [LATEST, "manifests/00000001/manifest.json", "manifests/00000001/variants.jsonl"])
def test_a_changed_file_is_reported_and_replaced_by_the_next_manifest(folder: Store, key: str) -> None:
    publish(folder, HEADER, 1, [record(0)], never)
    overwrite(folder, key, b"{}")
    with pytest.raises(BrokenManifestError) as broken:
        read_records(folder, published(folder))
    assert (broken.value.kind, broken.value.key) == ("changed", key)
    assert publish(folder, HEADER, 1, [record(0)], never).manifest.number == 2
    assert read_records(folder, published(folder)) == (record(0),)


def test_a_missing_manifest_is_reported(folder: Store) -> None:
    pointer = json.dumps({"manifest": "manifests/00000007/manifest.json", "sha256": "0" * 64}).encode()
    assert folder.create(LATEST, pointer, "application/json")
    with pytest.raises(BrokenManifestError, match="missing") as broken:
        read_latest(folder)
    assert (broken.value.kind, broken.value.key) == ("missing", "manifests/00000007/manifest.json")
