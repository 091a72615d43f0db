"""Pictures whose name changed are copied, never rendered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.deliver.delivery import deliver, parse_record, read_record
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.rename import copy_renamed, share_pictures
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex
from tests.campaigns import write_campaign
from tests.pipeline.deliver.records import data_of, record, variant
from tests.runs import listed, run_of

RENAMED = replace(variant(1), name="new-name")


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


@pytest.fixture
def records(folder: Store) -> dict[str, Record]:
    delivered = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in (0, 1)]
    return {one.render_key: one for one in delivered}


@pytest.fixture
def done(records: dict[str, Record]) -> dict[str, bytes]:
    return {key: one.to_json() for key, one in records.items()}


def test_only_renamed_pictures_are_copied(folder: Store, records: dict[str, Record], done: dict[str, bytes]) -> None:
    assert copy_renamed(folder, [variant(0), variant(1)], done) == {}
    renamed = records[RENAMED.render_key].model_copy(update={"name": "new-name", "asset": RENAMED.asset})
    assert copy_renamed(folder, [variant(0), RENAMED, variant(2)], done) == {RENAMED.render_key: renamed.to_json()}
    assert folder.read(RENAMED.asset) == folder.read(variant(1).asset) == data_of(1)
    assert read_record(folder, renamed.key) == renamed, "so that nothing depends on the old name"


SHARING = replace(variant(1), name="shop/second", axes={"product": "mug", "channel": "web"})


def test_a_picture_is_shared_under_several_names(
    folder: Store, records: dict[str, Record], done: dict[str, bytes]
) -> None:
    """The record stays that of the first name; manifests list both."""
    variants = [variant(0), SHARING, variant(1)]
    assert copy_renamed(folder, variants, done) == {}
    lines = share_pictures(folder, variants, done, {})
    assert set(lines) == {SHARING.name}
    line = lines[SHARING.name]
    assert line is not None
    shared = Record.model_validate_json(line)
    first = records[SHARING.render_key]
    assert (shared.asset, shared.axes, shared.same_picture_as) == (SHARING.asset, SHARING.axes, first.name)
    assert (shared.render_key, shared.sha256) == (first.render_key, first.sha256)
    assert folder.read(SHARING.asset) == data_of(1)
    assert read_record(folder, first.key) == first
    folder.delete(first.asset or "")
    assert share_pictures(folder, variants, done, {SHARING.name: line}) == lines, "nothing is read again"
    assert share_pictures(folder, variants, done, {}) == {SHARING.name: None}


def test_the_record_follows_if_only_the_other_name_is_left(
    folder: Store, records: dict[str, Record], done: dict[str, bytes]
) -> None:
    [line] = copy_renamed(folder, [SHARING], done).values()
    assert line is not None
    record = Record.model_validate_json(line)
    assert (record.name, record.axes) == (SHARING.name, SHARING.axes)
    assert share_pictures(folder, [SHARING], {SHARING.render_key: line}, {}) == {}


def test_changed_free_fields_are_written_into_the_record(
    folder: Store, records: dict[str, Record], done: dict[str, bytes]
) -> None:
    priced = replace(variant(1), attributes={"product": {"price": "9.90 EUR", "tags": ("a", "b")}})
    [line] = copy_renamed(folder, [variant(0), priced], done).values()
    assert line is not None
    updated = read_record(folder, records[priced.render_key].key)
    assert updated is not None
    assert updated.attributes == {"product": {"price": "9.90 EUR", "tags": ["a", "b"]}}
    assert updated.to_json() == line
    assert copy_renamed(folder, [variant(0), priced], done | {priced.render_key: line}) == {}
    assert len([*folder.list("assets/")]) == 2


@pytest.mark.parametrize("name", [variant(1).name, RENAMED.name])
def test_a_newer_record_is_not_replaced_by_an_older_line(folder: Store, done: dict[str, bytes], name: str) -> None:
    """Another run has rendered the picture again since the line was read, with other bytes."""
    folder.delete(variant(1).asset)
    newer = deliver(folder, record(1), variant(1).asset, b"other bytes")
    changed = replace(variant(1), name=name, alt="a white mug")
    (line,) = copy_renamed(folder, [changed], {changed.render_key: done[changed.render_key]}).values()
    assert line is not None
    stored = read_record(folder, newer.key)
    assert stored is not None
    assert stored.to_json() == line
    assert (stored.name, stored.alt, stored.sha256) == (name, "a white mug", sha256_hex(b"other bytes"))


@pytest.mark.parametrize("damage", [None, b"damaged"])
def test_a_lost_or_damaged_picture_is_not_done(folder: Store, done: dict[str, bytes], damage: bytes | None) -> None:
    folder.delete(variant(1).asset)
    if damage is not None:
        folder.create(variant(1).asset, damage, "image/png")
    assert copy_renamed(folder, [RENAMED], done) == {RENAMED.render_key: None}


def test_a_foreign_file_at_the_new_name_is_left_alone(folder: Store, done: dict[str, bytes]) -> None:
    assert folder.create(RENAMED.asset, b"by hand", "image/png")
    (line,) = copy_renamed(folder, [RENAMED], done).values()
    assert line is not None
    assert RENAMED.asset.replace(".png", "-2.png").encode() in line
    assert folder.read(RENAMED.asset) == b"by hand"


def test_the_record_of_an_adopted_picture_describes_that_picture(folder: Store) -> None:
    """A picture of the same render key at the new name may have other bytes, such as those of another encoder."""
    mine, other = (
        encode(Image.new("RGB", (64, 64), colour), "png", Metadata(variant(1).render_key, "test"))
        for colour in ("red", "blue")
    )
    delivered = deliver(folder, record(1), variant(1).asset, mine)
    assert folder.create(RENAMED.asset, other, "image/png")
    (line,) = copy_renamed(folder, [RENAMED], {delivered.render_key: delivered.to_json()}).values()
    assert line is not None
    copied = parse_record(line, "")
    assert (copied.asset, copied.sha256, copied.bytes) == (RENAMED.asset, sha256_hex(other), len(other))


def test_a_renamed_product_has_its_new_name_in_records(tmp_path: Path) -> None:
    """Whatever sells pictures finds them by the matrix point. A manifest from before is intact, too."""
    job = write_campaign(tmp_path, {"beach": "on a beach"}, products=("mug",))
    run_of(job)
    for file in (job, job.with_name("brand.yaml")):
        file.write_text(file.read_text().replace('"mug"', '"cup"'))
    assert run_of(job)[0] == []
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert {name: fields["axes"]["product"] for name, fields in listed(folder).items()} == {"cup/beach": "cup"}
    [key] = folder.list("records/")
    stored = read_record(folder, key)
    assert stored is not None
    assert stored.axes["product"] == "cup"
    assert verify(folder).intact
    rollback(folder)
    assert listed(folder)["mug/beach"]["axes"]["product"] == "mug"
    assert verify(folder).intact


def test_manifests_from_before_free_fields_changed_are_intact(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"beach": "on a beach"}, products=("mug",))
    run_of(job)
    brand = job.with_name("brand.yaml")
    brand.write_text(brand.read_text().replace('"description"', '"price": "9 EUR", "description"'))
    assert run_of(job)[0] == []
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert listed(folder)["mug/beach"]["attributes"] == {"product": {"price": "9 EUR"}}
    rollback(folder)
    assert "attributes" not in listed(folder)["mug/beach"]
    assert verify(folder).intact


def test_a_changed_sku_renders_nothing_and_is_in_record_and_manifest(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug", "lamp"))
    run_of(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert "sku" not in listed(folder)["mug/scene00"]
    brand = tmp_path / "brand.yaml"
    brand.write_text(brand.read_text().replace('"a mug"', '"a mug", "sku": "NW-100"'))
    assert run_of(job)[0] == []
    assert {name: fields.get("sku") for name, fields in listed(folder).items()} == {
        "mug/scene00": "NW-100",
        "lamp/scene00": None,
    }
    assert verify(folder).intact
    rollback(folder, 1)
    assert verify(folder).intact


def test_a_changed_alt_text_renders_nothing_and_is_in_record_and_manifest(tmp_path: Path) -> None:
    scenes = {"beach": "on a beach"}
    job = write_campaign(tmp_path, scenes, products=("mug",), alt="{{ product.description }} {{ scene }}")
    assert run_of(job)[0] == ["mug/beach"]
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert listed(folder)["mug/beach"]["alt"] == "a mug on a beach"
    asset = listed(folder)["mug/beach"]["asset"]
    write_campaign(tmp_path, scenes, products=("mug",), alt="a cup\n  on {{ scene.name }}")
    assert run_of(job)[0] == []
    assert listed(folder)["mug/beach"] | {"alt": "a cup on beach", "asset": asset} == listed(folder)["mug/beach"]
    [key] = folder.list("records/")
    stored = read_record(folder, key)
    assert stored is not None
    assert stored.alt == "a cup on beach"
    assert verify(folder).intact
    rollback(folder, 1)
    assert verify(folder).intact
    assert listed(folder)["mug/beach"]["alt"] == "a mug on a beach"
