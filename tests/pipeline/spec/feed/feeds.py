"""Writes feeds in every format, and brand specs that name them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image

from brandpress.pipeline.spec.brand_file import ExaminedBrand, examine_brand

Rows = Sequence[Mapping[str, Any]]

ROWS: Rows = (
    {"id": "001", "title": "A green mug", "image_link": "a.png", "price": "19.90 EUR", "category": "mugs"},
    {"id": "002", "title": "A blue mug", "image_link": "b.png", "price": "29.90 EUR", "category": "mugs"},
    {"id": "A 4", "title": "A shoe, red", "image_link": "a.png", "price": "9.90 EUR", "category": "shoes"},
)
FEED = "{from: %s, key: id, map: {description: title, references: image_link}}"


def brand_of(folder: Path, file: str, feed: str = FEED, by_hand: str = "") -> ExaminedBrand:
    """Examines a brand spec with this feed of products. Its pictures are `a.png` and `b.png`."""
    for number, name in enumerate(("a.png", "b.png")):
        if not (folder / name).exists():
            Image.new("RGB", (96, 80), (90 * number, 10, 10)).save(folder / name)
    text = f"brand: x\nproducts: {feed % file if '%s' in feed else feed}\n{by_hand}"
    (folder / "brand.yaml").write_text(text)
    return examine_brand(folder / "brand.yaml", "brand.yaml")


def write(file: Path, rows: Rows = ROWS) -> None:
    """Writes rows in the format of the file's ending."""
    {
        ".csv": _csv,
        ".tsv": _tsv,
        ".jsonl": _jsonl,
        ".parquet": _parquet,
        ".xlsx": _xlsx,
        ".xml": _rss,
        ".atom": _atom,
    }[file.suffix](file, rows)


def _csv(file: Path, rows: Rows, delimiter: str = ",") -> None:
    names = list(rows[0])
    quoted = [['"' + str(row.get(name, "")).replace('"', '""') + '"' for name in names] for row in rows]
    file.write_text("".join(delimiter.join(cells) + "\n" for cells in [names, *quoted]))


def _tsv(file: Path, rows: Rows) -> None:
    _csv(file, rows, "\t")


def _jsonl(file: Path, rows: Rows) -> None:
    file.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows))


def _parquet(file: Path, rows: Rows) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([dict(row) for row in rows]), file)


def _xlsx(file: Path, rows: Rows) -> None:
    import openpyxl

    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    workbook.save(file)


def _elements(row: Mapping[str, Any]) -> str:
    return "".join(f"<g:{name}>{escape(str(value))}</g:{name}>" for name, value in row.items())


def _rss(file: Path, rows: Rows) -> None:
    items = "".join(f"<item>{_elements(row)}</item>\n" for row in rows)
    file.write_text(
        '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">'
        f"<channel><title>Shop</title>{items}</channel></rss>"
    )


def _atom(file: Path, rows: Rows) -> None:
    entries = "".join(f"<entry>{_elements(row)}</entry>\n" for row in rows)
    file.write_text(
        '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">'
        f"<title>Shop</title>{entries}</feed>"
    )
