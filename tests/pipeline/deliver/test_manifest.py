"""Manifests: immutable files, then the pointer by compare-and-swap; nothing is written if nothing changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from brandpress.pipeline.deliver import contents, manifest, resume
from brandpress.pipeline.deliver.contents import digest_of
from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    BrokenManifestError,
    Published,
    manifest_numbers,
    read_latest,
    read_records,
)
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.pipeline.deliver.records import HEADER, failed, publish_records, record


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


@pytest.mark.parametrize("number", ["٣", "0000000٣", "00000000000000000003", "3", "+0000003", "0000_003"])
def test_only_names_of_eight_digits_are_numbers_of_manifests(folder: Store, number: str) -> None:
    assert folder.create("manifests/00000002/manifest.json", b"{}", "application/json")
    assert folder.create(f"manifests/{number}/manifest.json", b"{}", "application/json")
    assert manifest_numbers(folder) == [2]


def test_a_published_manifest_is_read_back_with_correct_digests(folder: Store) -> None:
    records = [record(2), failed(1), record(0)]
    pointer = publish_records(folder, HEADER, 4, records, never).pointer
    assert json.loads(folder.read(LATEST) or b"") == {"manifest": pointer.manifest, "sha256": pointer.sha256}
    assert pointer.manifest == "manifests/00000001/manifest.json"
    assert sha256_hex(folder.read(pointer.manifest) or b"") == pointer.sha256
    manifest = json.loads(folder.read(pointer.manifest) or b"")
    assert manifest["schema"] == 2
    assert manifest["counts"] == {"planned": 4, "done": 2, "stale": 0, "failed": 1, "missing": 1}
    assert (manifest["campaign"], manifest["brand"], manifest["number"]) == ("spring", "northwind", 1)
    assert manifest["status"] == "partial"
    assert manifest["model"] == {"name": "nano", "weights_digest": "d" * 64, "licence": "Apache-2.0"}
    names: list[str] = []
    for part, kind in zip(manifest["parts"], ("variants", "failures"), strict=True):
        assert (part["kind"], part["file"]) == (kind, f"parts/{part['sha256']}.jsonl")
        lines = folder.read(part["file"]) or b""
        assert (sha256_hex(lines), lines.count(b"\n")) == (part["sha256"], part["records"])
        names += [json.loads(line)["name"] for line in lines.splitlines()]
    assert names == [records[2].name, records[0].name, records[1].name], "sorted in each part"
    assert read_records(folder, published(folder)) == tuple(sorted(records, key=lambda one: one.name))


def test_a_complete_campaign_is_done(folder: Store) -> None:
    assert publish_records(folder, HEADER, 2, [record(0), record(1)], never).manifest.status == "done"


def test_publishing_the_same_again_writes_nothing(folder: Store) -> None:
    publish_records(folder, HEADER, 2, [record(0), record(1)], never)
    before = {key: folder.stat(key) for key in folder.list("")}
    publish_records(folder, HEADER, 2, [record(1), record(0)], never)
    assert {key: folder.stat(key) for key in folder.list("")} == before


def test_a_manifest_without_a_digest_counts_as_the_same(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(contents, "digest_of", lambda records: "")
        publish_records(folder, HEADER, 1, [record(0)], never)
    assert publish_records(folder, HEADER, 1, [record(0)], never).manifest.number == 1
    assert publish_records(folder, HEADER, 2, [record(0), record(1)], never).manifest.number == 2


def fields_of(*records: Record) -> list[dict[str, Any]]:
    return [json.loads(one.to_json()) for one in records]


@pytest.mark.parametrize("change", [{"name": "other"}, {"sha256": "1" * 64}, {"render_key": "2" * 64}])
def test_the_digest_depends_on_pictures_only(change: dict[str, str]) -> None:
    one, two = record(0, sha256="0" * 64), record(1, sha256="3" * 64)
    digest = digest_of(fields_of(one, two))
    ignored = {"attempts": 3, "timings": {"model": 2.0}, "host": {"device": "other"}, "cost": 1.0}
    assert digest_of(fields_of(two, one.model_copy(update=ignored), failed(2))) == digest
    assert digest_of(fields_of(one.model_copy(update=change), two)) != digest


@pytest.mark.parametrize(
    ("header", "planned", "records"),
    [
        (HEADER, 2, [record(0), record(1)]),
        (HEADER, 3, [record(0)]),
        (HEADER.model_copy(update={"spec_sha256": "6" * 64}), 2, [record(0)]),
    ],
)
def test_any_change_is_a_new_manifest(folder: Store, header: object, planned: int, records: list[Record]) -> None:
    first = publish_records(folder, HEADER, 2, [record(0)], never)
    second = publish_records(folder, header, planned, records, never)  # type: ignore[arg-type]
    assert (first.manifest.number, second.manifest.number) == (1, 2)
    assert published(folder).pointer == second.pointer
    assert read_records(folder, first) == (record(0),)


def test_the_part_of_a_killed_run_is_used_or_replaced(folder: Store) -> None:
    line = record(0).to_json() + b"\n"
    part = f"parts/{sha256_hex(line)}.jsonl"
    assert folder.create(part, b"half a part", "application/jsonl")
    assert publish_records(folder, HEADER, 1, [record(0)], never).manifest.number == 1
    assert read_records(folder, published(folder)) == (record(0),)
    assert folder.read(part) == line


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
            if key.startswith("parts/") and not self.interrupted:
                self.interrupted = True
                publish_records(other, HEADER, 2, [record(1)], never)
            return created

    latest = publish_records(Interrupted(), HEADER, 2, [record(0)], lambda: [record(0), record(1)])  # type: ignore[arg-type]
    assert latest.manifest.status == "done"
    assert published(folder).pointer == latest.pointer
    assert read_records(folder, latest) == (record(0), record(1))


PART = "parts/" + sha256_hex(record(0).to_json() + b"\n") + ".jsonl"


def overwrite(folder: Store, key: str, data: bytes) -> None:
    stat = folder.stat(key)
    assert stat is not None
    assert folder.replace(key, data, "application/json", stat.etag)


@pytest.mark.parametrize("key", [LATEST, "manifests/00000001/manifest.json", PART])
def test_a_changed_file_is_reported_and_replaced_by_the_next_manifest(folder: Store, key: str) -> None:
    publish_records(folder, HEADER, 1, [record(0)], never)
    overwrite(folder, key, b"{}")
    with pytest.raises(BrokenManifestError) as broken:
        read_records(folder, published(folder))
    assert (broken.value.kind, broken.value.key) == ("changed", key)
    assert publish_records(folder, HEADER, 1, [record(0)], never).manifest.number == 2
    assert read_records(folder, published(folder)) == (record(0),)


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5},
        {"render_key": None},
        {"status": []},
        {"asset": 7},
        {"asset": None},
        {"sha256": None},
        {"format": 3},
        {"axes": None},
        {"axes": {"a": 1}},
        {"seed": None},
    ],
)
def test_odd_records_in_a_part_are_one_error(
    folder: Store, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    """Whoever may write to the store may write a manifest whose digests fit."""
    latest = publish_records(folder, HEADER, 1, [record(0)], never)
    failure = file_record(folder, failed(1))
    picture = {"asset": "assets/a.png", "sha256": "0" * 64}
    odd = json.dumps(json.loads(record(0).to_json()) | picture | change).encode()
    for line in (odd, b"5", b"[]", b"null", b"{}", b"not JSON"):
        monkeypatch.setattr(manifest, "read_lines", lambda *_, line=line: [line])
        monkeypatch.setattr(resume, "read_lines", lambda *_, line=line: [line])
        with pytest.raises(StoreError, match=r"manifests/00000001/manifest\.json: not a valid brandpress record"):
            list(manifest.read_fields(folder, latest))
        assert resume.read_index(folder).others == {failure.render_key: failure}


@pytest.mark.parametrize("change", [{"seed": "7"}, {"status": "failed", "asset": None, "sha256": None, "axes": ...}])
def test_a_record_without_its_axes_or_seed_is_not_said_to_lack_a_picture(
    folder: Store, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    latest = publish_records(folder, HEADER, 1, [record(0)], never)
    fields = json.loads(record(0, asset="assets/a.png", sha256="0" * 64).to_json()) | change
    line = json.dumps({name: value for name, value in fields.items() if value is not ...})
    monkeypatch.setattr(manifest, "read_lines", lambda *_: [line])
    with pytest.raises(StoreError, match="mug/scene000 lacks its axes, or its seed as a whole number"):
        list(manifest.read_fields(folder, latest))


def test_a_missing_manifest_is_reported(folder: Store) -> None:
    pointer = json.dumps({"manifest": "manifests/00000007/manifest.json", "sha256": "0" * 64}).encode()
    assert folder.create(LATEST, pointer, "application/json")
    with pytest.raises(BrokenManifestError, match="missing") as broken:
        read_latest(folder)
    assert (broken.value.kind, broken.value.key) == ("missing", "manifests/00000007/manifest.json")
