"""Repairs without rendering: pictures from copies, records from the manifest; on both kinds of store."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.manifest import read_fields, require_latest
from brandpress.pipeline.deliver.repair import Repair, repair
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex
from tests.campaigns import write_campaign
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant
from tests.runs import run_of

JSON = "application/json"


@pytest.fixture
def folder(store_uri: str) -> Store:
    """A campaign with three pictures and a failure; the pictures 0 and 1 have the same content."""
    folder = open_campaign(store_uri, "spring")
    same = {0: data_of(0), 1: data_of(0), 2: data_of(2)}
    records = [deliver(folder, record(number), variant(number).asset, data) for number, data in same.items()]
    publish_records(folder, HEADER, 4, [*records, file_record(folder, failed(3))], list)
    return folder


def damage(folder: Store, key: str, how: str) -> None:
    """Deletes an object or changes it."""
    folder.delete(key)
    if how == "changed":
        folder.create(key, b"{}", JSON)


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_picture_is_copied_from_another_with_the_same_content(folder: Store, how: str) -> None:
    damage(folder, variant(1).asset, how)
    assert repair(folder, verify(folder)) == Repair(copied=(variant(1).asset,))
    assert folder.read(variant(1).asset) == data_of(0)
    assert verify(folder).intact


@pytest.mark.parametrize("key", [record(2).key, failed(3).key])
@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_record_is_written_again_as_the_manifest_lists_it(folder: Store, key: str, how: str) -> None:
    before = folder.read(key)
    damage(folder, key, how)
    repaired = repair(folder, verify(folder))
    assert verify(folder).intact
    if how == "changed" and key == failed(3).key:  # the record of a failure may change: verify doesn't compare it
        assert repaired == Repair()
    else:
        assert repaired == Repair(rewritten=(key,))
        assert folder.read(key) == before


@pytest.mark.parametrize("how", ["missing", "changed"])
def test_a_picture_without_a_copy_is_lost_and_its_record_stays(folder: Store, how: str) -> None:
    damage(folder, variant(2).asset, how)
    repaired = repair(folder, verify(folder))
    assert [one.render_key for one in repaired.lost] == [variant(2).render_key]
    assert repaired.deleted == ((variant(2).asset,) if how == "changed" else ())
    assert (folder.read(variant(2).asset), folder.stat(record(2).key) is not None) == (None, True)
    assert repaired.needs_run


def test_a_changed_copy_is_no_copy(folder: Store) -> None:
    for number in (0, 1):
        damage(folder, variant(number).asset, "changed")
    repaired = repair(folder, verify(folder))
    assert (repaired.copied, len(repaired.lost), len(repaired.deleted)) == ((), 2, 2)


def test_a_picture_is_copied_from_its_earlier_name(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    run_of(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    job.write_text(job.read_text().replace("{{ product }}/{{ scene }}", "new-{{ product }}"))
    run_of(job)
    [listed] = read_fields(folder, require_latest(folder))
    assert listed["asset"].startswith("assets/new-mug.")
    damage(folder, listed["asset"], "missing")
    assert repair(folder, verify(folder)).copied == (listed["asset"],)
    assert verify(folder).intact


@pytest.mark.parametrize("locales", [("de", "en"), ("en", "de")])
def test_the_record_of_a_shared_picture_is_written_again_once(tmp_path: Path, locales: tuple[str, ...]) -> None:
    """It's that of the first name in the matrix, whichever name comes first in the manifest."""
    job = write_campaign(
        tmp_path,
        {},
        products=("mug",),
        matrix={"product": ["mug"], "locale": {locale: locale for locale in locales}},
        prompt="{{ product.description }}",
        output={"name": "mug-{{ locale }}"},
    )
    run_of(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    [key] = folder.list("records/")
    before = folder.read(key)
    damage(folder, key, "missing")
    verification = verify(folder)
    assert [problem.key for problem in verification.problems] == [key]
    assert repair(folder, verification) == Repair(rewritten=(key,))
    assert folder.read(key) == before
    assert verify(folder).problems == ()
    assert run_of(job)[0] == []


def test_a_broken_manifest_is_left_to_a_run(folder: Store) -> None:
    damage(folder, require_latest(folder).pointer.manifest, "changed")
    before = {key: folder.read(key) for key in folder.list("")}
    assert repair(folder, verify(folder)) == Repair(republish=True)
    assert {key: folder.read(key) for key in folder.list("")} == before


def test_nothing_is_written_or_deleted_outside_the_folder(tmp_path: Path) -> None:
    """A manifest from an attacker, with a picture and a record outside the campaign's folder."""
    (tmp_path / "private").write_bytes(b"private")
    folder = open_campaign(str(tmp_path), "spring")
    deliver(folder, record(0), variant(0).asset, data_of(0))
    digest = sha256_hex(data_of(0))
    outside = record(50, asset="../private", sha256=digest, render_key="../../private", bytes=7)
    publish_records(folder, HEADER, 1, [outside], list)
    repaired = repair(folder, verify(folder))
    assert repaired == Repair()
    assert (tmp_path / "private").read_bytes() == b"private"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".brandpress-lock", "private", "spring"]
