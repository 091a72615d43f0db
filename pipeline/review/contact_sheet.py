"""A campaign on one page: its pictures in a grid, beside the reference pictures that they share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath

from PIL import Image, ImageDraw, ImageFont, ImageOps

from brandpress.pipeline.deliver.manifest import Published, read_latest, read_records
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.store.protocol import Store, StoreError

INK, FAINT, LINE, PAPER = "#1b1f23", "#57606a", "#d8dee4", "#ffffff"
MARGIN, GAP, CAPTION, HEADER = 32, 12, 22, 92
SMALLEST_CELL, LARGEST_CELL = 128, 256
COMFORTABLE_CELLS = 24
STACKED_REFERENCES = 3
MOST_PICTURES = 400
SHAPE = 1.3
"""Width over height that a sheet aims at."""
FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Tile:
    """A picture and its caption."""

    picture: Image.Image
    caption: str


@dataclass(frozen=True)
class Block:
    """What one reference set gave: the references' thumbnails, and beside them its pictures, which may take lines."""

    references: tuple[Image.Image, ...]
    pictures: tuple[Tile, ...]
    cell: int
    columns: int

    @property
    def side(self) -> int:
        """Of a reference's cell, in pixels: three of them are as high as a picture's."""
        return (self.cell - (STACKED_REFERENCES - 1) * GAP) // STACKED_REFERENCES

    @property
    def indent(self) -> int:
        """The width of the references, in pixels."""
        return math.ceil(len(self.references) / STACKED_REFERENCES) * (self.side + GAP)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height with all gaps, in pixels."""
        columns = min(self.columns, len(self.pictures))
        lines = math.ceil(len(self.pictures) / self.columns)
        return self.indent + columns * (self.cell + GAP) + GAP, lines * (self.cell + CAPTION + GAP) + GAP


def contact_sheet(
    folder: Store, references: Mapping[str, Path] | None = None, columns: int | None = None
) -> Image.Image:
    """The sheet of the campaign that `folder` holds, from its latest manifest.

    references: SHA-256 -> file of the reference pictures; those that aren't given or were changed are left out.
    columns: pictures a line; chosen by their number if None. Of a large campaign the first 400 pictures by name.
    Raises StoreError if nothing is published or a picture is missing.
    """
    latest = read_latest(folder)
    if latest is None:
        raise StoreError(f"{folder.uri}: nothing is published here yet; run `brandpress render`")
    records = [record for record in read_records(folder, latest) if record.asset is not None][:MOST_PICTURES]
    cell = cell_size(len(records))
    sets: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        sets.setdefault(tuple(reference.sha256 for reference in record.references), []).append(record)
    columns = columns or column_count(len(records))
    blocks = [
        Block(
            references=tuple(_references(found[0], references or {}, cell)),
            pictures=tuple(_tile(folder, record, cell) for record in found),
            cell=cell,
            columns=columns,
        )
        for found in sets.values()
    ]
    return draw(blocks, *_titles(latest))


def reference_files(campaign: Campaign) -> dict[str, Path]:
    """SHA-256 -> file of all reference pictures that a campaign uses."""
    return {picture.sha256: picture.path for point in campaign.points for _, picture in campaign.references(point)}


def save(sheet: Image.Image, file: Path) -> str:
    """Writes the sheet as PNG, its folder too if need be; returns where. Raises StoreError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(file, "PNG", optimize=True)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror or error}") from None
    return str(file)


def cell_size(pictures: int) -> int:
    """The side of a picture's cell in pixels: smaller when there are many."""
    scale = math.sqrt(COMFORTABLE_CELLS / max(pictures, 1))
    return max(SMALLEST_CELL, min(LARGEST_CELL, round(LARGEST_CELL * scale)))


def column_count(pictures: int) -> int:
    """At most so many pictures of a reference set stand in a line."""
    return max(2, min(24, round(math.sqrt(pictures * SHAPE))))


def draw(blocks: Sequence[Block], title: str, subtitle: str) -> Image.Image:
    """The sheet: white, a header, then the blocks in their order, side by side as far as they fit."""
    lines = flow([block.size for block in blocks])
    width = 2 * MARGIN + max([sum(blocks[i].size[0] + GAP for i in line) - GAP for line in lines], default=LARGEST_CELL)
    heights = [max(blocks[i].size[1] for i in line) + GAP for line in lines]
    sheet = Image.new("RGB", (width, HEADER + sum(heights) - GAP + MARGIN), PAPER)
    pen, room = ImageDraw.Draw(sheet), width - 2 * MARGIN
    pen.text((MARGIN, 24), fit(title, _font(26), room), INK, _font(26))
    pen.text((MARGIN, 60), fit(subtitle, _font(14), room), FAINT, _font(14))
    top = HEADER
    for line, height in zip(lines, heights, strict=True):
        left = MARGIN
        for i in line:
            pen.rounded_rectangle((left, top, left + blocks[i].size[0], top + height - GAP), radius=6, outline=LINE)
            _paste(sheet, blocks[i], left + GAP, top + GAP)
            left += blocks[i].size[0] + GAP
        top += height
    return sheet


def flow(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Indices of boxes in lines, in order, so that all together are about `SHAPE` as wide as high."""
    area = sum((width + GAP) * (height + GAP) for width, height in sizes)
    room = max([math.isqrt(round(area * SHAPE)), *(width for width, _ in sizes)])
    lines: list[list[int]] = []
    left = 0
    for index, (width, _) in enumerate(sizes):
        if not lines or left + width > room:
            lines.append([])
            left = 0
        lines[-1].append(index)
        left += width + GAP
    return lines


def fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """`text`, with its middle cut out if it's wider than `width` pixels: names differ at their ends."""
    if font.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        shown = f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"
        if font.getlength(shown) <= width:
            return shown
    return "…"


def _paste(sheet: Image.Image, block: Block, left: int, top: int) -> None:
    pen, font = ImageDraw.Draw(sheet), _font(12)
    for number, reference in enumerate(block.references):
        column, line = divmod(number, STACKED_REFERENCES)
        _centre(sheet, reference, left + column * (block.side + GAP), top + line * (block.side + GAP), block.side)
    left += block.indent
    for number, tile in enumerate(block.pictures):
        line, column = divmod(number, block.columns)
        x, y = left + column * (block.cell + GAP), top + line * (block.cell + CAPTION + GAP)
        _centre(sheet, tile.picture, x, y, block.cell)
        pen.text(
            (x + block.cell / 2, y + block.cell + 5), fit(tile.caption, font, block.cell), FAINT, font, anchor="ma"
        )


def _centre(sheet: Image.Image, picture: Image.Image, x: int, y: int, side: int) -> None:
    sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))


def _titles(published: Published) -> tuple[str, str]:
    manifest = published.manifest
    counts = f"{manifest.counts.done} of {manifest.counts.planned} pictures"
    model = f"{PurePath(manifest.model.name).name} ({manifest.model.licence})"
    return manifest.campaign, f"{manifest.brand}  ·  {counts}  ·  {model}  ·  {manifest.created:%Y-%m-%d %H:%M} UTC"


def _tile(folder: Store, record: Record, cell: int) -> Tile:
    data = folder.read(record.asset) if record.asset else None
    if data is None:
        raise StoreError(f"{folder.uri}/{record.asset}: it's missing; `brandpress verify` says what else is")
    return Tile(thumbnail(data, cell), record.name)


def _references(record: Record, files: Mapping[str, Path], cell: int) -> Iterable[Image.Image]:
    for reference in record.references:
        file = files.get(reference.sha256)
        data = file.read_bytes() if file is not None and file.is_file() else b""
        if hashlib.sha256(data).hexdigest() == reference.sha256:
            side = (cell - (STACKED_REFERENCES - 1) * GAP) // STACKED_REFERENCES
            yield thumbnail(data, side, reference.background or PAPER)


def thumbnail(data: bytes, side: int, background: str = PAPER) -> Image.Image:
    """A picture's file, shrunk into a square of `side` pixels, on a colour where it's transparent."""
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        upright = ImageOps.exif_transpose(opened)
    picture = upright.convert("RGBA")
    ground = Image.new("RGBA", picture.size, background)
    return ImageOps.contain(
        Image.alpha_composite(ground, picture).convert("RGB"), (side, side), Image.Resampling.LANCZOS
    )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
