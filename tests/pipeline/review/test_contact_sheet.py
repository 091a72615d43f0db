"""The contact sheet shows every picture, its name, and the references of its set, on one well-shaped page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.deliver.manifest import publish
from brandpress.pipeline.review.contact_sheet import (
    HEADER,
    LARGEST_CELL,
    MARGIN,
    SMALLEST_CELL,
    Block,
    Tile,
    cell_size,
    column_count,
    contact_sheet,
    draw,
    fit,
    flow,
    reference_files,
    save,
    thumbnail,
)
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.records import HEADER as CAMPAIGN
from tests.pipeline.deliver.records import failed, record, variant

COLOURS = ["#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0"]


def shows(sheet: Image.Image, colour: str) -> int:
    """How many pixels of the sheet have the colour."""
    wanted = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    return int((np.asarray(sheet) == np.array(wanted)).all(axis=-1).sum())


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return draw_reference(tmp_path / "mug.png", "#123456")


@pytest.fixture
def folder(tmp_path: Path, reference: Path) -> Store:
    """Six pictures of one colour each, four of them with a reference, and a failed variant."""
    folder = open_campaign(str(tmp_path), "spring")
    stamp = {"role": "product", "file": "mug.png", "sha256": sha256_hex(reference.read_bytes())}
    records = []
    for number, colour in enumerate(COLOURS):
        data = encode(Image.new("RGB", (128, 96), colour), "png", Metadata("0" * 64, "test"))
        made = record(number, references=[stamp] if number < 4 else [])
        records.append(deliver(folder, made, variant(number).asset, data))
    publish(folder, CAMPAIGN, 7, [*records, failed(6)], list)
    return folder


def test_every_picture_and_reference_is_shown(folder: Store, reference: Path) -> None:
    sheet = contact_sheet(folder, {sha256_hex(reference.read_bytes()): reference})
    cell = cell_size(len(COLOURS))
    for colour in COLOURS:
        assert shows(sheet, colour) == cell * cell * 3 // 4
    assert shows(sheet, "#123456") > 500
    assert sheet.getpixel((1, 1)) == (255, 255, 255)


def test_without_the_references_it_shows_the_pictures(folder: Store, reference: Path) -> None:
    known = {sha256_hex(reference.read_bytes()): reference}
    draw_reference(reference, "#654321")
    for files in (None, {}, known):
        sheet = contact_sheet(folder, files)
        assert all(shows(sheet, colour) for colour in COLOURS)
        assert not shows(sheet, "#654321")


def test_columns_decide_how_wide_a_set_gets(folder: Store) -> None:
    assert contact_sheet(folder, columns=1).width < contact_sheet(folder, columns=4).width


def test_a_missing_picture_is_told(folder: Store, tmp_path: Path) -> None:
    (tmp_path / "spring" / variant(2).asset).unlink()
    with pytest.raises(StoreError, match="it's missing; `brandpress verify` says what else is"):
        contact_sheet(folder)


def test_before_anything_is_published_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing is published here yet"):
        contact_sheet(open_campaign(str(tmp_path), "autumn"))


@pytest.mark.parametrize("pictures", [1, 2, 24, 36, 100, 400])
@pytest.mark.parametrize("sets", [1, 3, 1000])
def test_sheets_of_any_size_are_well_shaped(pictures: int, sets: int) -> None:
    cell = cell_size(pictures)
    assert SMALLEST_CELL <= cell <= LARGEST_CELL
    tile = Tile(Image.new("RGB", (cell, cell), "teal"), "a/name-of-some-length-s0")
    each = max(1, pictures // sets)
    blocks = [
        Block((tile.picture.resize((20, 20)),) * 2, (tile,) * each, cell, column_count(pictures))
        for _ in range(pictures // each)
    ]
    sheet = draw(blocks, "title", "subtitle")
    assert sheet.width <= 8000
    assert sheet.height <= 8000
    if pictures >= 24:
        assert 0.5 <= sheet.width / sheet.height <= 2.5


def test_an_empty_campaign_has_a_sheet() -> None:
    sheet = draw([], "title", "subtitle")
    assert sheet.height >= HEADER
    assert sheet.width == LARGEST_CELL + 2 * MARGIN


def test_flow_keeps_the_order_and_loses_none() -> None:
    sizes = [(100 + 37 * number % 90, 100) for number in range(50)]
    lines = flow(sizes)
    assert [index for line in lines for index in line] == list(range(50))
    assert len(lines) > 3


def test_long_names_lose_their_middle() -> None:
    font = ImageFont.load_default(12)
    name = "product-with-a-long-name/character-with-another-s17"
    shown = fit(name, font, 150)
    assert font.getlength(shown) <= 150
    assert shown.startswith("product")
    assert shown.endswith("s17")
    assert fit("short", font, 150) == "short"
    assert fit(name, font, 1) == "…"


@pytest.mark.parametrize(("size", "shown"), [((64, 64), (90, 90)), ((300, 100), (90, 30)), ((50, 200), (22, 90))])
def test_thumbnails_fill_their_square(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    Image.new("RGBA", size, (0, 0, 0, 0)).save(tmp_path / "a.png")
    made = thumbnail((tmp_path / "a.png").read_bytes(), 90)
    assert made.size == shown
    assert made.getpixel((5, 5)) == (255, 255, 255)
    on_pine = thumbnail((tmp_path / "a.png").read_bytes(), 90, "#1f4d3a")
    assert on_pine.getpixel((5, 5)) == (0x1F, 0x4D, 0x3A)


def test_the_references_of_a_campaign_are_found(tmp_path: Path) -> None:
    campaign = plan_of(write_campaign(tmp_path, 2)).campaign
    assert reference_files(campaign) == {
        sha256_hex((tmp_path / name).read_bytes()): tmp_path / name for name in ("mug.png", "bottle.png")
    }


def test_saving(tmp_path: Path) -> None:
    sheet = Image.new("RGB", (10, 10))
    assert save(sheet, tmp_path / "new" / "sheet.png") == str(tmp_path / "new" / "sheet.png")
    assert Image.open(tmp_path / "new" / "sheet.png").size == (10, 10)
    with pytest.raises(StoreError, match="new: Is a directory"):
        save(sheet, tmp_path / "new")
