"""Verification finds every missing, changed or unknown object."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.deliver.contents import compose
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.deliver.manifest import read_fields, read_records, require_latest
from brandpress.pipeline.deliver.publication import publish
from brandpress.pipeline.deliver.rename import copy_renamed
from brandpress.pipeline.deliver.repair import Repair, repair
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.sign import Signer, load_signer
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.spec.provenance import KEY_VARIABLE, SigningIdentity
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.certificates import Authority
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant

DONE = 5


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spring"


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    """A published campaign with five done variants and a failed one."""
    folder = open_campaign(str(tmp_path), "spring")
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in range(DONE)]
    publish_records(folder, HEADER, DONE + 1, [*records, file_record(folder, failed(DONE))], list)
    return folder


def problems(folder: Store) -> set[tuple[str, str]]:
    return {(problem.kind, problem.key) for problem in verify(folder).problems}


def test_an_untouched_campaign_is_intact(folder: Store) -> None:
    verification = verify(folder)
    assert verification.intact
    assert verification.problems == ()
    assert verification.objects == 2 * DONE + 1
    records = sum(len(folder.read(key) or b"") for key in folder.list("records/"))
    assert verification.bytes == records + sum(len(data_of(number)) for number in range(DONE))


@pytest.mark.parametrize("key", [variant(2).asset, record(2).key])
def test_a_changed_file_is_reported(folder: Store, root: Path, key: str) -> None:
    file = root / key
    file.write_bytes(file.read_bytes().replace(b"2", b"3", 1))
    assert problems(folder) == {("changed", key)}
    assert not verify(folder).intact


@pytest.mark.parametrize("key", [variant(2).asset, record(2).key, failed(DONE).key])
def test_a_missing_file_is_reported(folder: Store, root: Path, key: str) -> None:
    (root / key).unlink()
    assert problems(folder) == {("missing", key)}
    assert not verify(folder).intact


def test_a_picture_replaced_by_a_symlink_is_missing(folder: Store, root: Path) -> None:
    asset = root / variant(1).asset
    (root / "aside").write_bytes(asset.read_bytes())
    asset.unlink()
    asset.symlink_to(root / "aside")
    assert problems(folder) == {("missing", variant(1).asset), ("unknown", "aside")}


def test_unreferenced_objects_are_unknown_and_harmless(folder: Store, root: Path) -> None:
    (root / "assets" / "stray.png").write_bytes(b"x")
    (root / "notes.txt").write_bytes(b"x")
    assert problems(folder) == {("unknown", "assets/stray.png"), ("unknown", "notes.txt")}
    assert verify(folder).intact


def test_objects_of_earlier_manifests_are_not_reported(folder: Store) -> None:
    publish_records(folder, HEADER, 1, [deliver(folder, record(0), variant(0).asset, data_of(0))], list)
    assert problems(folder) == set()


def test_a_failed_variant_that_succeeded_since_is_not_changed(folder: Store) -> None:
    deliver(folder, record(DONE), variant(DONE).asset, data_of(DONE))
    assert problems(folder) == {("unknown", variant(DONE).asset)}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("manifests/00000001/manifest.json", "changed"),
        ("a part", "changed"),
        ("manifests/00000001/manifest.json", "missing"),
        ("a part", "missing"),
    ],
)
def test_a_broken_manifest_is_the_only_problem(folder: Store, root: Path, key: str, kind: str) -> None:
    if key == "a part":
        key = next(iter(folder.list("parts/")))
    if kind == "missing":
        (root / key).unlink()
    else:
        (root / key).write_bytes((root / key).read_bytes() + b" ")
    assert problems(folder) == {(kind, key)}


def test_assets_outside_the_folder_are_not_read(folder: Store, root: Path, tmp_path: Path) -> None:
    """A manifest from an attacker, with an asset outside the campaign's folder."""
    (tmp_path / "private").write_bytes(b"private")
    publish_records(
        folder, HEADER, 1, [file_record(folder, record(50, asset="../private", sha256="0" * 64, bytes=7))], list
    )
    assert ("missing", "../private") in problems(folder)


def test_an_unpublished_campaign_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing is published here yet; run `brandpress render`"):
        verify(open_campaign(str(tmp_path), "spring"))


def test_the_latest_manifest_is_verified(folder: Store, root: Path) -> None:
    assert verify(folder).manifest == json.loads((root / "latest.json").read_text())["manifest"]


@pytest.mark.parametrize("damage", ["picture missing", "picture changed", "record missing", "record changed"])
def test_repair_makes_a_damaged_variant_undone_and_touches_no_other(folder: Store, root: Path, damage: str) -> None:
    """A damaged record is written again instead."""
    key = variant(2).asset if "picture" in damage else record(2).key
    before = {one: folder.read(one) for one in folder.list("")}
    (root / key).unlink() if "missing" in damage else (root / key).write_bytes(b"{}")
    repaired = repair(folder, verify(folder))
    undone = variant(2).render_key not in read_index(folder).done
    if "picture" in damage:
        assert undone
        assert repaired.deleted == ((variant(2).asset,) if "changed" in damage else ())
        assert [one.name for one in repaired.lost] == [variant(2).name]
        deliver(folder, record(2), variant(2).asset, data_of(2))
    else:
        assert not undone
        assert repaired.rewritten == (record(2).key,)
    assert {one: folder.read(one) for one in folder.list("")} == before


def test_repairing_an_intact_campaign_changes_nothing(folder: Store, root: Path) -> None:
    (root / "notes.txt").write_bytes(b"x")
    assert repair(folder, verify(folder)) == Repair()


def test_renamed_and_stale_pictures_are_intact(folder: Store) -> None:
    done = {one.render_key: one.to_json() for one in read_records(folder, require_latest(folder)) if one.asset}
    renamed = replace(variant(0), name="new-name")
    done.update({key: line for key, line in copy_renamed(folder, [renamed], done).items() if line is not None})
    changed = replace(variant(1), render_key="0" * 64, name="other-name")
    pictures = list(read_fields(folder, require_latest(folder), "variants"))
    listed = compose([renamed, changed], done, {}, lambda: pictures)
    assert listed.counts.stale == 1
    publish(folder, HEADER, lambda previous: listed)
    assert verify(folder).problems == ()


def test_the_failure_of_a_variant_with_an_earlier_picture_is_kept_by_repair(folder: Store) -> None:
    """Otherwise its attempts would start again at one, each night."""
    failure = file_record(folder, failed(DONE))
    listed = record(DONE, asset=variant(0).asset, sha256=sha256_hex(data_of(0)), bytes=1, stale=True)
    publish_records(folder, HEADER, 1, [listed], list)
    assert verify(folder).intact
    assert repair(folder, verify(folder)) == Repair()
    assert folder.read(failure.key) is not None


def deliver_picture(folder: Store, signer: Signer, *, mark: str | None = None) -> str:
    """Publishes a signed picture, and returns its key. mark: the render key in its metadata; default: its own."""
    rendered = record(1, signed_by=signer.identity.fingerprint)
    data = encode(Image.new("RGB", (64, 64), "teal"), "png", Metadata(mark or rendered.render_key, "test"))
    delivered = deliver(folder, rendered, variant(1).asset, signer.sign(data, rendered))
    publish_records(folder, HEADER, 1, [delivered], list)
    assert delivered.asset is not None
    return delivered.asset


def signer_of(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Signer:
    issued = authority.issue()
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    return load_signer(SigningIdentity(issued.certificate, authority.certificate, KEY_VARIABLE))


def test_a_picture_that_a_stranger_signed_is_untrusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest is that of its record, as after somebody has replaced both."""
    folder, own, stranger = open_campaign(str(tmp_path), "spring"), Authority(), Authority("Stranger")
    asset = deliver_picture(folder, signer_of(stranger, monkeypatch))
    trusting = verify(folder, stranger.certificate)
    assert (trusting.problems, trusting.trusted, trusting.unsigned) == ((), 1, 0)
    assert verify(folder).intact
    assert verify(folder).trusted is None
    verification = verify(folder, own.certificate)
    [problem] = verification.problems
    assert (problem.kind, problem.key, verification.trusted) == ("untrusted", asset, 0)
    assert problem.detail == "signed by someone whom the anchor doesn't trust"
    assert not verification.intact
    assert verification.broken == ()
    assert repair(folder, verification) == Repair()


def test_a_picture_without_its_marks_is_unmarked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, authority = open_campaign(str(tmp_path), "spring"), Authority()
    asset = deliver_picture(folder, signer_of(authority, monkeypatch), mark="ef" * 32)
    verification = verify(folder, authority.certificate)
    assert [(problem.kind, problem.key) for problem in verification.problems] == [("unmarked", asset)]
    assert not verification.intact
