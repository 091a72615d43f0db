"""Thumbnails are small, marked, at keys that follow from the pictures' own, and deleted with their pictures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import encode
from brandpress.pipeline.deliver.manifest import LATEST, read_latest
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.record import stamp_of
from brandpress.pipeline.deliver.repair import repair
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.thumbnails import add_missing_thumbnails, asset_stem_of, stems_of, thumbnail_key
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.deliver.xmp import DIGITAL_SOURCE_TYPE, metadata_of
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.render_loop import RenderLoop
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.deliver.records import HEADER, publish_records, record, variant
from tests.stand_in import StandIn


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def publish(folder: Store, *numbers: int) -> None:
    records = []
    for number in numbers:
        one = record(number, width=96, height=64)
        data = encode(Image.new("RGB", (96, 64), (number, 200, 90)), "png", metadata_of(one, "spring"))
        records.append(deliver(folder, one, variant(number).asset, data))
    publish_records(folder, HEADER, len(numbers), records, list)


def add_missing(folder: Store, size: int = 32) -> int:
    latest = read_latest(folder)
    assert latest is not None
    return add_missing_thumbnails(folder, latest, size)


def test_keys_follow_from_assets() -> None:
    asset = "assets/mug/beach.v2.0123456789abcdef-2.png"
    key = thumbnail_key(asset, 512)
    assert key == "thumbnails/mug/beach.v2.0123456789abcdef-2.512.webp"
    assert {asset_stem_of(key)} == stems_of([asset])


def test_missing_thumbnails_are_made_from_the_pictures(folder: Store) -> None:
    publish(folder, 0, 1)
    assert add_missing(folder) == 2
    data = folder.read(thumbnail_key(variant(1).asset, 32))
    assert data is not None
    assert Image.open(BytesIO(data)).size == (32, 21)
    metadata = read_metadata(data)
    assert metadata is not None
    assert (metadata.source, metadata.render_key) == (DIGITAL_SOURCE_TYPE, variant(1).render_key)
    assert add_missing(folder) == 0
    assert add_missing(folder, 64) == 2, "another size has other keys"
    assert verify(folder).problems == ()


def test_lost_and_damaged_pictures_get_no_thumbnail(folder: Store) -> None:
    publish(folder, 0, 1)
    folder.delete(variant(0).asset)
    folder.delete(variant(1).asset)
    folder.create(variant(1).asset, b"damaged", "image/png")
    assert add_missing(folder) == 0


def test_thumbnails_are_deleted_with_their_pictures(folder: Store) -> None:
    publish(folder, 0, 1)
    add_missing(folder)
    publish(folder, 1)
    garbage = find_garbage(folder, [variant(1)], now=4e9, keep=1, hours=0)
    assert thumbnail_key(variant(0).asset, 32) in {entry.key for entry in garbage.entries}
    list(delete_garbage(folder, garbage))
    assert [*folder.list("thumbnails/")] == [thumbnail_key(variant(1).asset, 32)]


def test_a_worker_writes_thumbnails_and_the_manifest_names_their_size(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2, products=("mug",), size="128x64", thumbnails=32)
    plan = plan_of(job)
    folder, stamp = open_campaign(plan.campaign.address, plan.campaign.name), stamp_of(plan.model)
    marking = Marking("spring", thumbnails=plan.campaign.job.thumbnails)
    loop = RenderLoop(StandIn(), folder, stamp, lambda message: None, Event(), marking=marking)
    loop.render(plan.variants)
    loop.close()
    index = read_index(folder, render_keys(plan.variants))
    publication = publish_index(folder, plan, stamp, index, folder.stat(LATEST))
    assert publication is not None
    assert publication.published.manifest.thumbnails == 32
    assert verify(folder).intact
    lost = thumbnail_key(plan.variants[0].asset, 32)
    folder.delete(lost)
    verification = verify(folder)
    assert [(problem.kind, problem.key) for problem in verification.problems] == [("missing", lost)]
    assert not repair(folder, verification).needs_run
    assert verify(folder).intact
    for one in plan.variants:
        data = folder.read(thumbnail_key(one.asset, 32))
        assert data is not None
        assert Image.open(BytesIO(data)).size == (32, 16)
    assert add_missing(folder) == 0
