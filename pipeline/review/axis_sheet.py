"""The contact sheet as a table: the values of one axis are its rows, those of another its columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import read_fields, require_latest
from brandpress.pipeline.review.contact_sheet import (
    CAPTION,
    FAINT,
    GAP,
    HEADER,
    INK,
    LINE,
    MARGIN,
    MAX_PICTURES,
    PAPER,
    Tile,
    cell_size,
    column_count,
    font_of,
    paste_centred,
    picture_tile,
    shorten,
    titles_of,
)
from brandpress.pipeline.spec.messages import allowed, closest, quote
from brandpress.pipeline.store.protocol import Store

SEED = "seed"
MAX_COLUMNS = 40
MARKS = {"block": ("block", "#b3261e"), "warn": ("warn", "#855300")}
"""Outcome of the quality gate -> word and colour of its mark."""


@dataclass(frozen=True)
class Table:
    """rows, columns: the labels. cells: (row, column) -> its pictures. cell: the side of a picture in pixels. inside:
    pictures beside each other in a cell."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Sequence[Tile]]
    cell: int
    inside: int


def axis_sheet(
    folder: Store,
    rows: str,
    columns: str | int | None = None,
    on_broken: Callable[[str], None] = lambda what: None,
    names: Set[str] | None = None,
) -> Image.Image:
    """Returns the table of the latest manifest's pictures, at most 400, with the verdicts of the quality gate.

    rows: an axis, or `seed`. columns: another one, or the number of pictures per line. on_broken, names: as in
    `contact_sheet`. Raises RequestError for an unknown axis, and StoreError.
    """
    latest = require_latest(folder)
    records = [
        record
        for record in read_fields(folder, latest, "variants")
        if record["asset"] is not None and (names is None or record["name"] in names)
    ]
    records = sorted(records, key=lambda one: (one["name"], one["render_key"]))[:MAX_PICTURES]
    for option, axis in (("--rows", rows), ("--columns", columns)):
        _check_axis(option, axis, records)
    by = columns if isinstance(columns, str) else None
    cell = cell_size(len(records))
    cells: dict[tuple[str, str], list[Tile]] = {}
    for record in records:
        place = (_value(record, rows), _value(record, by) if by else "")
        tile = picture_tile(folder, record, cell, on_broken)
        cells.setdefault(place, []).append(_marked(tile, record))
    row_labels = tuple(dict.fromkeys(_value(record, rows) for record in records))
    column_labels = tuple(dict.fromkeys(_value(record, by) if by else "" for record in records))
    most = max((len(tiles) for tiles in cells.values()), default=1)
    inside = (
        columns if isinstance(columns, int) else column_count(len(records)) if by is None else math.isqrt(most - 1) + 1
    )
    table = Table(row_labels, column_labels, cells, cell, min(inside, most))
    return draw_table(table, *titles_of(latest))


def parse_columns(text: str | None, rows: str | None) -> str | int | None:
    """Returns what `--columns` asks for: an axis, or a number of pictures per line. Raises RequestError.

    rows: the axis of `--rows`; without it, columns can't be an axis.
    """
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        if not 1 <= int(text[:6]) <= MAX_COLUMNS:
            raise RequestError(f"--columns {text}: allowed: 1 to {MAX_COLUMNS} pictures per row, or an axis")
        return int(text)
    if rows is None:
        raise RequestError(f"--columns {text}: an axis as columns needs --rows AXIS")
    if rows == text:
        raise RequestError(f"--columns {text}: the rows are the same axis; choose another one")
    return text


def draw_table(table: Table, title: str, subtitle: str) -> Image.Image:
    """Returns the sheet: a header, the labels, and the cells."""
    step, height = table.cell + GAP, table.cell + CAPTION + GAP
    font = font_of(14)
    left = MARGIN + min(220, round(max((font.getlength(label) for label in table.rows), default=0)) + 2 * GAP)
    cell_width = table.inside * step
    lines = [max(_lines(table, row, column) for column in table.columns) for row in table.rows]
    width = max(left + len(table.columns) * (cell_width + GAP) + MARGIN - GAP, 2 * MARGIN + 320)
    top = HEADER + (28 if any(table.columns) else 0)
    sheet = Image.new("RGB", (width, top + sum(count * height + GAP for count in lines) + MARGIN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, 24), shorten(title, font_of(26), width - 2 * MARGIN), INK, font_of(26))
    pen.text((MARGIN, 60), shorten(subtitle, font, width - 2 * MARGIN), FAINT, font)
    for number, label in enumerate(table.columns):
        x = left + number * (cell_width + GAP)
        pen.text((x, HEADER), shorten(label, font, cell_width - GAP), INK, font)
    for row, count in zip(table.rows, lines, strict=True):
        pen.line((MARGIN, top, width - MARGIN, top), fill=LINE)
        pen.text((MARGIN, top + GAP), shorten(row, font, left - MARGIN - GAP), INK, font)
        for number, column in enumerate(table.columns):
            x = left + number * (cell_width + GAP)
            for place, tile in enumerate(table.cells.get((row, column), ())):
                line, position = divmod(place, table.inside)
                _draw_tile(sheet, tile, x + position * step, top + GAP + line * height, table.cell)
        top += count * height + GAP
    return sheet


def _draw_tile(sheet: Image.Image, tile: Tile, x: int, y: int, cell: int) -> None:
    paste_centred(sheet, tile.picture, x, y, cell)
    caption, font = shorten(tile.caption, font_of(12), cell), font_of(12)
    ImageDraw.Draw(sheet).text((x + cell / 2, y + cell + 5), caption, FAINT, font, anchor="ma")


def _marked(tile: Tile, record: Mapping[str, Any]) -> Tile:
    """Returns the tile with the gate's verdict in its corner, unless the picture passed or wasn't judged."""
    verdict = record.get("verdict")
    mark = MARKS.get(str(verdict.get("outcome"))) if isinstance(verdict, Mapping) else None
    if mark is None:
        return tile
    word, colour = mark
    picture, font = tile.picture.convert("RGB"), font_of(12)
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((4, 4, 16 + font.getlength(word), 22), radius=4, fill=colour)
    pen.text((10, 13), word, PAPER, font, anchor="lm")
    return Tile(picture, tile.caption)


def _lines(table: Table, row: str, column: str) -> int:
    return max(1, math.ceil(len(table.cells.get((row, column), ())) / table.inside))


def _value(record: Mapping[str, Any], axis: str) -> str:
    value = record["axes"].get(axis)
    return str(record["seed"]) if value is None and axis == SEED else value or "-"


def _check_axis(option: str, axis: str | int | None, records: Sequence[Mapping[str, Any]]) -> None:
    known = [*dict.fromkeys(name for record in records for name in record["axes"]), SEED]
    if isinstance(axis, str) and axis not in known:
        near = closest(axis, known)
        hint = f"; did you mean {near}?" if near else ""
        raise RequestError(f"{option} {axis}: {quote(axis)} isn't an axis of these pictures; {allowed(known)}{hint}")
