"""The contact sheet as a table of two axes, with the marks of the quality gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.review.axis_sheet import MARKS, Table, axis_sheet, draw_table, parse_columns
from brandpress.pipeline.review.contact_sheet import Tile
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, publish_records
from tests.pipeline.deliver.records import record as record_of
from tests.pipeline.review.test_contact_sheet import COLOURS, count_pixels


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    """Six pictures of one colour each: two products in three scenes, one blocked and one warned about."""
    folder = open_campaign(str(tmp_path), "spring")
    records = []
    for number, colour in enumerate(COLOURS):
        axes = {"product": ("mug", "bottle")[number % 2], "scene": f"scene{number // 2}"}
        outcome = {0: "block", 1: "warn"}.get(number, "pass")
        one = record_of(number, axes=axes, verdict={"outcome": outcome, "reasons": [], "review": []})
        data = encode(Image.new("RGB", (128, 128), colour), "png", Metadata("0" * 64, "test"))
        records.append(deliver(folder, one, f"assets/{number}.png", data))
    publish_records(folder, HEADER, 6, records, list)
    return folder


def test_rows_and_columns_are_axes(folder: Store) -> None:
    wide = axis_sheet(folder, "product", "scene")
    tall = axis_sheet(folder, "scene", "product")
    assert wide.width > wide.height
    assert tall.width < tall.height
    for colour in COLOURS[2:]:
        assert count_pixels(wide, colour) == 256 * 256


def test_blocked_and_warned_pictures_are_marked(folder: Store) -> None:
    sheet = axis_sheet(folder, "product", "scene")
    for _, colour in MARKS.values():
        assert count_pixels(sheet, colour) > 100


def test_rows_alone_have_pictures_beside_each_other(folder: Store) -> None:
    assert axis_sheet(folder, "product", 1).height > axis_sheet(folder, "product", 3).height
    assert axis_sheet(folder, "seed").height > 0


def test_selected_names(folder: Store) -> None:
    sheet = axis_sheet(folder, "product", names={"mug/scene003"})
    assert [count_pixels(sheet, colour) > 0 for colour in COLOURS] == [False, False, False, True, False, False]


def test_missing_pictures_are_named(folder: Store, tmp_path: Path) -> None:
    (tmp_path / "spring" / "assets" / "2.png").unlink()
    broken: list[str] = []
    axis_sheet(folder, "product", "scene", broken.append)
    assert broken == [f"{folder.uri}/assets/2.png: the picture is missing"]


def test_an_unknown_axis(folder: Store) -> None:
    with pytest.raises(RequestError, match=r"--rows prodct: 'prodct' isn't an axis of these pictures; .*'product'"):
        axis_sheet(folder, "prodct")


@pytest.mark.parametrize(
    ("text", "rows", "expected"), [(None, None, None), ("4", None, 4), ("scene", "product", "scene"), ("4", "scene", 4)]
)
def test_columns_are_an_axis_or_a_number(text: str | None, rows: str | None, expected: str | int | None) -> None:
    assert parse_columns(text, rows) == expected


@pytest.mark.parametrize(
    ("text", "rows", "problem"),
    [
        ("0", None, "allowed: 1 to 40 pictures per row, or an axis"),
        ("41", None, "allowed: 1 to 40"),
        ("scene", None, "an axis as columns needs --rows AXIS"),
        ("scene", "scene", "the rows are the same axis"),
    ],
)
def test_wrong_columns(text: str, rows: str | None, problem: str) -> None:
    with pytest.raises(RequestError, match=problem):
        parse_columns(text, rows)


def test_long_labels_and_empty_cells() -> None:
    tile = Tile(Image.new("RGB", (64, 64), "teal"), "a/name")
    table = Table(("a row with a long label " * 4, "b"), ("x", "y"), {("b", "y"): [tile] * 3}, 64, 2)
    sheet = draw_table(table, "title", "subtitle")
    assert count_pixels(sheet, "teal") == 3 * 64 * 64
