"""The contact sheet shows every picture and its references on one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.review.contact_sheet import (
    EMPTY,
    HEADER,
    MARGIN,
    MAX_CELL,
    MIN_CELL,
    Block,
    Tile,
    cell_size,
    column_count,
    contact_sheet,
    draw_sheet,
    placeholder,
    reference_files,
    save,
    shorten,
    thumbnail,
    wrap_boxes,
)
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.records import HEADER as CAMPAIGN
from tests.pipeline.deliver.records import failed, publish_records, record, variant

COLOURS = ["#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#46f0f0"]


def count_pixels(sheet: Image.Image, colour: str) -> int:
    """Returns the number of pixels of `sheet` that have `colour`."""
    pixel = Image.new("RGB", (1, 1), colour).getpixel((0, 0))
    return int((np.asarray(sheet) == np.array(pixel)).all(axis=-1).sum())


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    return draw_reference(tmp_path / "mug.png", "#123456")


@pytest.fixture
def folder(tmp_path: Path, reference: Path) -> Store:
    """A campaign with six pictures of one colour each, four of them with a reference, and a failed variant."""
    folder = open_campaign(str(tmp_path), "spring")
    stamp = {"role": "product", "file": "mug.png", "sha256": sha256_hex(reference.read_bytes())}
    records = []
    for number, colour in enumerate(COLOURS):
        data = encode(Image.new("RGB", (128, 96), colour), "png", Metadata("0" * 64, "test"))
        rendered = record(number, references=[stamp] if number < 4 else [])
        records.append(deliver(folder, rendered, variant(number).asset, data))
    publish_records(folder, CAMPAIGN, 7, [*records, failed(6)], list)
    return folder


def test_all_pictures_and_references_are_shown(folder: Store, reference: Path) -> None:
    sheet = contact_sheet(folder, {sha256_hex(reference.read_bytes()): reference})
    cell = cell_size(len(COLOURS))
    for colour in COLOURS:
        assert count_pixels(sheet, colour) == cell * cell * 3 // 4
    assert count_pixels(sheet, "#123456") > 500
    assert sheet.getpixel((1, 1)) == (255, 255, 255)


def test_missing_and_changed_references_are_left_out(folder: Store, reference: Path) -> None:
    outdated = {sha256_hex(reference.read_bytes()): reference}
    draw_reference(reference, "#654321")
    for files in (None, {}, outdated):
        sheet = contact_sheet(folder, files)
        assert all(count_pixels(sheet, colour) for colour in COLOURS)
        assert not count_pixels(sheet, "#654321")


def test_columns_set_the_width(folder: Store) -> None:
    assert contact_sheet(folder, columns=1).width < contact_sheet(folder, columns=4).width


def test_missing_and_broken_pictures_get_placeholders(folder: Store, tmp_path: Path) -> None:
    missing, broken, other = (tmp_path / "spring" / variant(number).asset for number in (1, 2, 3))
    whole = contact_sheet(folder)
    missing.unlink()
    broken.write_bytes(broken.read_bytes()[:100])
    other.write_bytes(encode(Image.new("RGB", (128, 96), "black"), "png", Metadata("0" * 64, "test")))
    reported: list[str] = []
    sheet = contact_sheet(folder, on_broken=reported.append)
    assert reported == [
        f"{folder.uri}/{variant(1).asset}: the picture is missing",
        f"{folder.uri}/{variant(2).asset}: the picture has changed",
        f"{folder.uri}/{variant(3).asset}: the picture has changed",
    ]
    assert sheet.size == whole.size
    assert [count_pixels(sheet, colour) > 0 for colour in COLOURS] == [True, False, False, False, True, True]
    assert not count_pixels(sheet, "black")
    cell = cell_size(len(COLOURS))
    assert count_pixels(sheet, EMPTY) > 3 * cell * cell * 0.8


def test_a_picture_that_was_broken_when_it_was_recorded_gets_a_placeholder(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    records = [deliver(folder, record(0), variant(0).asset, b"no picture")]
    publish_records(folder, CAMPAIGN, 1, records, list)
    reported: list[str] = []
    contact_sheet(folder, on_broken=reported.append)
    assert reported == [f"{folder.uri}/{variant(0).asset}: the picture can't be read"]


def test_a_placeholder_shows_its_text() -> None:
    square = placeholder("a/very-long-name-that-does-not-fit-into-the-cell-s0\nis missing", 128)
    assert square.size == (128, 128)
    assert count_pixels(square, EMPTY) < count_pixels(placeholder("", 128), EMPTY) - 200


def test_an_unpublished_campaign_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing is published here yet"):
        contact_sheet(open_campaign(str(tmp_path), "autumn"))


@pytest.mark.parametrize("pictures", [1, 2, 24, 36, 100, 400])
@pytest.mark.parametrize("groups", [1, 3, 1000])
def test_sheets_of_any_size_have_a_reasonable_shape(pictures: int, groups: int) -> None:
    cell = cell_size(pictures)
    assert MIN_CELL <= cell <= MAX_CELL
    tile = Tile(Image.new("RGB", (cell, cell), "teal"), "a/name-of-some-length-s0")
    group_size = max(1, pictures // groups)
    blocks = [
        Block((tile.picture.resize((20, 20)),) * 2, (tile,) * group_size, cell, column_count(pictures))
        for _ in range(pictures // group_size)
    ]
    sheet = draw_sheet(blocks, "title", "subtitle")
    assert sheet.width <= 8000
    assert sheet.height <= 8000
    if pictures >= 24:
        assert 0.5 <= sheet.width / sheet.height <= 2.5


def test_an_empty_campaign_has_a_sheet() -> None:
    sheet = draw_sheet([], "title", "subtitle")
    assert sheet.height >= HEADER
    assert sheet.width == MAX_CELL + 2 * MARGIN


def test_wrapping_keeps_the_order_of_all_boxes() -> None:
    sizes = [(100 + 37 * number % 90, 100) for number in range(50)]
    lines = wrap_boxes(sizes)
    assert [index for line in lines for index in line] == list(range(50))
    assert len(lines) > 3


def test_long_names_are_shortened_in_the_middle() -> None:
    font = ImageFont.load_default(12)
    name = "product-with-a-long-name/character-with-another-s17"
    shortened = shorten(name, font, 150)
    assert font.getlength(shortened) <= 150
    assert shortened.startswith("product")
    assert shortened.endswith("s17")
    assert shorten("short", font, 150) == "short"
    assert shorten(name, font, 1) == "…"


@pytest.mark.parametrize(("size", "expected"), [((64, 64), (90, 90)), ((300, 100), (90, 30)), ((50, 200), (22, 90))])
def test_thumbnails_fit_their_square(tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]) -> None:
    Image.new("RGBA", size, (0, 0, 0, 0)).save(tmp_path / "a.png")
    on_white = thumbnail((tmp_path / "a.png").read_bytes(), 90)
    assert on_white.size == expected
    assert on_white.getpixel((5, 5)) == (255, 255, 255)
    on_pine = thumbnail((tmp_path / "a.png").read_bytes(), 90, "#1f4d3a")
    assert on_pine.getpixel((5, 5)) == (0x1F, 0x4D, 0x3A)


def test_reference_files_of_a_campaign(tmp_path: Path) -> None:
    campaign = plan_of(write_campaign(tmp_path, 2)).campaign
    assert reference_files(campaign) == {
        sha256_hex((tmp_path / name).read_bytes()): tmp_path / name for name in ("mug.png", "bottle.png")
    }


def test_save_creates_the_folder_and_reports_errors(tmp_path: Path) -> None:
    sheet = Image.new("RGB", (10, 10))
    assert save(sheet, tmp_path / "new" / "sheet.png") == str(tmp_path / "new" / "sheet.png")
    assert Image.open(tmp_path / "new" / "sheet.png").size == (10, 10)
    with pytest.raises(StoreError, match="new: Is a directory"):
        save(sheet, tmp_path / "new")


@pytest.mark.parametrize(
    ("suffix", "format"), [(".png", "PNG"), (".jpg", "JPEG"), (".JPEG", "JPEG"), (".webp", "WEBP")]
)
def test_the_suffix_decides_the_format(suffix: str, format: str, tmp_path: Path) -> None:
    save(Image.new("RGB", (10, 10), "teal"), tmp_path / f"sheet{suffix}")
    assert Image.open(tmp_path / f"sheet{suffix}").format == format


@pytest.mark.parametrize(
    ("name", "problem"), [("a.gif", "the suffix '.gif' is no picture format"), ("a", "the suffix is missing")]
)
def test_another_suffix_is_refused(name: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=rf"{problem}; allowed: \.png, \.jpg, \.jpeg, \.webp"):
        save(Image.new("RGB", (10, 10)), tmp_path / name)
    assert not (tmp_path / name).exists()
