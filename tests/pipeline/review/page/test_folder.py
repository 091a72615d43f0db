"""The page in a folder and in the store; thumbnails that are made once; the page of a run that is at work."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import approve, published_pictures
from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.render.events import Planned, VariantRecorded
from brandpress.pipeline.review.page.content import PageSettings
from brandpress.pipeline.review.page.folder import pictures_address, upload_page, write_page
from brandpress.pipeline.review.page.live import LivePage
from brandpress.pipeline.review.page.load import BrandContext, picture_sources, read_reviewed
from brandpress.pipeline.review.page.thumbnails import SIDE, PictureSource, Thumbnails
from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.pipeline.review.page.published import publish, write_published
from tests.pipeline.review.page.reviewed import draw


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_published(tmp_path / "project")


@pytest.fixture
def folder(job: Path) -> Store:
    return open_campaign(str(job.parent / "out"), "spring")


def content_of(page: bytes) -> Any:
    """Returns the data in a page."""
    match = re.search(r'<script type="application/json" id="content">(.*?)</script>', page.decode(), re.DOTALL)
    assert match is not None
    return json.loads(match[1])


def test_the_page_has_all_pictures_and_their_thumbnails(job: Path, folder: Store, tmp_path: Path) -> None:
    campaign, out = load_campaign(job), tmp_path / "page"
    context = BrandContext.of(campaign)
    address = pictures_address(out, campaign.address, campaign.name, None)
    assert write_page(out, folder, read_reviewed(folder, context), context, PageSettings(address)) == ()
    content = content_of((out / "index.html").read_bytes())
    assert [one["name"] for one in content["pictures"]] == ["bottle/beach", "bottle/lake", "mug/beach", "mug/lake"]
    for picture in content["pictures"]:
        with Image.open(out / "thumbnails" / f"{picture['sha256']}.webp") as thumbnail:
            assert thumbnail.size == (SIDE, SIDE)
        assert (out / content["settings"]["pictures"] / picture["asset"]).is_file()
        (reference,) = picture["references"]
        assert content["references"][reference]["shown"]
        assert (out / "thumbnails" / f"{reference}.webp").is_file()


def test_missing_and_changed_pictures_are_named(job: Path, folder: Store, tmp_path: Path) -> None:
    context = BrandContext.of(None)
    reviewed = read_reviewed(folder, context)
    missing, changed, *_ = (job.parent / "out" / "spring" / record["asset"] for record in reviewed.records)
    missing.unlink()
    changed.write_bytes(draw("mug", "fox", "snow"))
    broken = write_page(tmp_path / "page", folder, reviewed, context, PageSettings())
    assert [line.rpartition(": ")[2] for line in broken] == ["the picture is missing", "the picture has changed"]
    assert (tmp_path / "page" / "index.html").exists()


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    data = draw("mug", "fox", "lake")
    reads = []

    def read() -> bytes:
        reads.append(1)
        return data

    thumbnails = Thumbnails(tmp_path)
    source = PictureSource("a", sha256_hex(data), read)
    assert thumbnails.make_all([source, source]) == ()
    assert thumbnails.make(source) == ""
    assert len(reads) == 1


def test_thumbnails_in_the_store_are_used(folder: Store, tmp_path: Path) -> None:
    records = read_reviewed(folder, BrandContext.of(None)).records
    stem = records[0]["asset"].removeprefix("assets/").removesuffix(".png")
    folder.create(f"thumbnails/{stem}.256.webp", b"small", "image/webp")
    thumbnails = Thumbnails(tmp_path)
    assert thumbnails.make_all(picture_sources(folder, records, {}, 256)) == ()
    assert thumbnails.file(records[0]["sha256"]).read_bytes() == b"small"
    with Image.open(thumbnails.file(records[1]["sha256"])) as thumbnail:
        assert thumbnail.size == (SIDE, SIDE)


def test_a_page_in_the_store_links_to_its_pictures(job: Path, store_uri: str, tmp_path: Path) -> None:
    folder, context, out = open_campaign(store_uri, "spring"), BrandContext.of(None), tmp_path / "page"
    local = open_campaign(str(job.parent / "out"), "spring")
    for key in local.list(""):
        folder.create(key, local.read(key) or b"", "application/octet-stream")
    reviewed = read_reviewed(folder, context)
    write_page(out, folder, reviewed, context, PageSettings())
    for _ in range(2):
        assert upload_page(folder, out, reviewed) == "review/index.html"
    content = content_of(folder.read("review/index.html") or b"")
    assert content["settings"]["pictures"] == "../"
    picture = content["pictures"][0]
    assert folder.stat(picture["asset"]) is not None
    assert folder.stat(f"review/thumbnails/{picture['sha256']}.webp") is not None
    assert [one.key for one in verify(folder).problems if one.kind == "unknown"] == []


class MeetingStore(StoreWrapper):
    """Creates a key only together with another one, which uploads one after the other never do."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.barrier = threading.Barrier(2, timeout=10)

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        self.barrier.wait()
        return super().create(key, data, content_type)


def test_thumbnails_are_uploaded_at_the_same_time(folder: Store, tmp_path: Path) -> None:
    reviewed = read_reviewed(folder, BrandContext.of(None))
    write_page(tmp_path, folder, reviewed, BrandContext.of(None), PageSettings())
    upload_page(MeetingStore(folder), tmp_path, reviewed)
    assert len(list(folder.list("review/thumbnails/"))) == len(reviewed.records) == 4


def test_a_thumbnail_that_cant_be_uploaded_is_an_error(job: Path, folder: Store, tmp_path: Path) -> None:
    reviewed = read_reviewed(folder, BrandContext.of(None))
    write_page(tmp_path, folder, reviewed, BrandContext.of(None), PageSettings())
    (job.parent / "out" / "spring" / "review").mkdir()
    (job.parent / "out" / "spring" / "review" / "thumbnails").write_text("a file")
    with pytest.raises(StoreError, match="thumbnails"):
        upload_page(folder, tmp_path, reviewed)


@pytest.mark.parametrize(
    ("address", "public_url", "expected"),
    [
        (DeliveryAddress("s3", "assets/northwind"), None, None),
        (DeliveryAddress("s3", "assets/northwind"), "https://cdn.example/p", "https://cdn.example/p/spring/"),
    ],
)
def test_where_originals_are(
    tmp_path: Path, address: DeliveryAddress, public_url: str | None, expected: str | None
) -> None:
    assert pictures_address(tmp_path, address, "spring", public_url) == expected


def test_a_folder_with_special_characters(job: Path, tmp_path: Path) -> None:
    address = DeliveryAddress("file", str(tmp_path / "a #%?"))
    assert pictures_address(tmp_path / "page", address, "spring", None) == "../a%20%23%25%3F/spring/"


def test_earlier_pictures_and_decisions_are_history(job: Path, folder: Store) -> None:
    approve(folder, ["mug/beach"], Author("ana", "", now()))
    before = {one.name: one.sha256 for one in published_pictures(folder)}
    job.write_text(job.read_text().replace("on a beach", "on a stony beach"))
    publish(job, ("robot", "panda", "frog", "fox"))
    reviewed = read_reviewed(folder, BrandContext.of(None))
    assert [(one["name"], one["sha256"]) for one in reviewed.earlier] == [
        (name, before[name]) for name in ("bottle/beach", "mug/beach")
    ]


def test_the_page_of_a_run_shows_pictures_as_they_are_delivered(job: Path, folder: Store, tmp_path: Path) -> None:
    latest = read_latest(folder)
    assert latest is not None
    records = read_records(folder, latest)
    (job.parent / "out" / "spring" / "latest.json").unlink()
    for manifest in (job.parent / "out" / "spring" / "manifests").rglob("*.json"):
        manifest.unlink()
    out = tmp_path / "page"
    page = LivePage(out, folder, "spring", "northwind", BrandContext.of(load_campaign(job)), None)
    page.show(Planned(planned=4, done=0, todo=4))
    for record in records[:2]:
        page.show(VariantRecorded(record))
    page.show(VariantRecorded(records[2].model_copy(update={"status": "failed", "asset": None})))
    page.close()
    content = content_of((out / "index.html").read_bytes())
    assert [one["name"] for one in content["pictures"]] == ["bottle/beach", "bottle/lake"]
    assert (content["counts"]["planned"], content["counts"]["done"], content["counts"]["failed"]) == (4, 2, 1)
    assert content["settings"]["live"] is False
    assert page.problem == ""


def test_a_live_page_that_can_not_be_written_does_not_disturb_the_run(job: Path, folder: Store, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("a file")
    page = LivePage(tmp_path / "page", folder, "spring", "northwind", BrandContext.of(None), None)
    page.show(Planned(planned=4, done=4, todo=0))
    page.close()
    assert "page" in page.problem
