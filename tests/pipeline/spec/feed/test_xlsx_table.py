"""Workbooks: formulas, numbers, several sheets, wrong dimensions and archives that unpack to too much."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pytest

from brandpress.pipeline.spec.feed import xlsx_table
from tests.pipeline.spec.feed.feeds import brand_of, write

FEED = "{from: feed.xlsx, key: id, map: {description: title}}"


def workbook(file: Path, *rows: list[object], sheets: int = 1) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for _ in range(sheets - 1):
        book.create_sheet()
    book.save(file)


def test_values_of_cells(tmp_path: Path) -> None:
    row = [7.0, "a mug", 3, 2.5, True, datetime.datetime(2026, 3, 1), None, "=1+1"]
    workbook(tmp_path / "feed.xlsx", ["id", "title", "n", "price", "new", "since", "empty", "formula"], row)
    brand = brand_of(tmp_path, "", FEED).brand
    assert brand is not None
    fields = dict(brand.products["7"].attributes)
    assert fields == {
        "key": "7", "id": 7, "title": "a mug", "n": 3, "price": 2.5, "new": True, "since": "2026-03-01T00:00:00",
    }  # fmt: skip


def test_other_sheets_are_not_silently_ignored(tmp_path: Path) -> None:
    workbook(tmp_path / "feed.xlsx", ["id", "title"], ["1", "a mug"], sheets=3)
    [warning] = brand_of(tmp_path, "", FEED).warnings
    assert "only the first of its 3 sheets is read, 'Sheet'" in str(warning)


def test_rows_that_are_wider_than_the_header(tmp_path: Path) -> None:
    workbook(tmp_path / "feed.xlsx", ["id", "title"], ["1", "a mug", "more"])
    [problem] = brand_of(tmp_path, "", FEED).problems
    assert str(problem).startswith("feed.xlsx:2:row: the row has more cells than the header")


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_table, "MAX_UNCOMPRESSED", 1_000_000)
    write(tmp_path / "feed.xlsx")
    with zipfile.ZipFile(tmp_path / "feed.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(2_000_000))
    assert (tmp_path / "feed.xlsx").stat().st_size < 20_000
    [problem] = brand_of(tmp_path, "", FEED).problems
    assert "the workbook unpacks to" in problem.what


def test_entities_in_a_workbook_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "good.xlsx")
    with zipfile.ZipFile(tmp_path / "good.xlsx") as good, zipfile.ZipFile(tmp_path / "feed.xlsx", "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            if name == "xl/workbook.xml":
                content = content.replace(b"<workbook", b'<!DOCTYPE a [<!ENTITY x "y">]><workbook', 1)
            bad.writestr(name, content)
    [problem] = brand_of(tmp_path, "", FEED).problems
    assert "this isn't a readable workbook" in problem.what
