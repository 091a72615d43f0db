"""The contact sheet: a campaign's pictures on one page, grouped by reference set, next to their references."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from PIL import Image, ImageDraw, ImageFont, ImageOps

from brandpress.model.errors import RequestError
from brandpress.model.request import MAX_PIXELS
from brandpress.pipeline.deliver.manifest import Published, read_records, require_latest
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.decode import PictureError, decode
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

INK, FAINT, LINE, PAPER, EMPTY = "#1b1f23", "#57606a", "#d8dee4", "#ffffff", "#f6f8fa"
MARGIN, GAP, CAPTION, HEADER = 32, 12, 22, 92
MIN_CELL, MAX_CELL = 128, 256
MAX_FULL_SIZE_CELLS = 24
STACKED_REFERENCES = 3
MAX_PICTURES = 400
ASPECT_RATIO = 1.3
"""The width of a sheet divided by its height, approximately."""

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""Suffix of a sheet's file -> its format."""


@dataclass(frozen=True)
class Tile:
    """A picture and its caption."""

    picture: Image.Image
    caption: str


@dataclass(frozen=True)
class Block:
    """The thumbnails of a reference set, and next to them its pictures, in lines of `columns` pictures.

    cell: the side of a picture's cell in pixels.
    """

    references: tuple[Image.Image, ...]
    pictures: tuple[Tile, ...]
    cell: int
    columns: int

    @property
    def side(self) -> int:
        """The side of a reference's cell in pixels."""
        return reference_side(self.cell)

    @property
    def indent(self) -> int:
        """The width of the references in pixels."""
        return math.ceil(len(self.references) / STACKED_REFERENCES) * (self.side + GAP)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels, with all gaps."""
        columns = min(self.columns, len(self.pictures))
        lines = math.ceil(len(self.pictures) / self.columns)
        return self.indent + columns * (self.cell + GAP) + GAP, lines * (self.cell + CAPTION + GAP) + GAP


def contact_sheet(
    folder: Store,
    references: Mapping[str, Path] | None = None,
    columns: int | None = None,
    on_broken: Callable[[str], None] = lambda what: None,
    names: Set[str] | None = None,
) -> Image.Image:
    """Returns the sheet of the latest manifest in the campaign's `folder`, with at most 400 pictures, sorted by name.

    references: SHA-256 -> file of the reference pictures; missing and changed ones are left out. columns: pictures per
    line; by default it depends on their number. on_broken: called for each picture that is missing or can't be read,
    which gets a placeholder. names: only pictures with these output names; None: all. Raises StoreError if nothing is
    published or the store can't be read.
    """
    latest = require_latest(folder)
    pictures = (record for record in read_records(folder, latest) if record.asset is not None)
    records = [record for record in pictures if names is None or record.name in names][:MAX_PICTURES]
    cell = cell_size(len(records))
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(reference.sha256 for reference in record.references), []).append(record)
    columns = columns or column_count(len(records))
    blocks = [
        Block(
            references=tuple(_reference_thumbnails(group[0], references or {}, cell)),
            pictures=tuple(_tile(folder, record, cell, on_broken) for record in group),
            cell=cell,
            columns=columns,
        )
        for group in groups.values()
    ]
    return draw_sheet(blocks, *titles_of(latest))


def reference_files(campaign: Campaign) -> dict[str, Path]:
    """Returns SHA-256 -> file of all reference pictures of a campaign."""
    return {picture.sha256: picture.path for point in campaign.points for _, picture in campaign.references(point)}


def check_suffix(file: Path) -> None:
    """Raises RequestError if a sheet can't be written to `file` because of its suffix."""
    if not file.is_dir() and file.suffix.lower() not in FORMATS:
        what = f"the suffix {file.suffix!r} is no picture format" if file.suffix else "the suffix is missing"
        raise RequestError(f"--out {file}: {what}; allowed: {', '.join(FORMATS)}")


def save(sheet: Image.Image, file: Path) -> str:
    """Writes the sheet to `file` in the format of its suffix, creating its folder. Returns the path as text. Raises
    StoreError, and RequestError for another suffix."""
    check_suffix(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(file, FORMATS.get(file.suffix.lower(), "PNG"), optimize=True, quality=90)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror or error}") from None
    return str(file)


def cell_size(pictures: int) -> int:
    """Returns the side of a picture's cell in pixels, for a sheet of this number of pictures."""
    scale = math.sqrt(MAX_FULL_SIZE_CELLS / max(pictures, 1))
    return max(MIN_CELL, min(MAX_CELL, round(MAX_CELL * scale)))


def reference_side(cell: int) -> int:
    """Returns the side of a reference's cell in pixels: three are as high as a picture's cell."""
    return (cell - (STACKED_REFERENCES - 1) * GAP) // STACKED_REFERENCES


def column_count(pictures: int) -> int:
    """Returns the maximum number of pictures per line of a reference set, for a sheet of this number of pictures."""
    return max(2, min(24, round(math.sqrt(pictures * ASPECT_RATIO))))


def draw_sheet(blocks: Sequence[Block], title: str, subtitle: str) -> Image.Image:
    """Returns the sheet: a header, then the blocks in order, in as many lines as needed."""
    lines = wrap_boxes([block.size for block in blocks])
    width = 2 * MARGIN + max([sum(blocks[i].size[0] + GAP for i in line) - GAP for line in lines], default=MAX_CELL)
    heights = [max(blocks[i].size[1] for i in line) + GAP for line in lines]
    sheet = Image.new("RGB", (width, HEADER + sum(heights) - GAP + MARGIN), PAPER)
    pen, room = ImageDraw.Draw(sheet), width - 2 * MARGIN
    pen.text((MARGIN, 24), shorten(title, font_of(26), room), INK, font_of(26))
    pen.text((MARGIN, 60), shorten(subtitle, font_of(14), room), FAINT, font_of(14))
    top = HEADER
    for line, height in zip(lines, heights, strict=True):
        left = MARGIN
        for i in line:
            pen.rounded_rectangle((left, top, left + blocks[i].size[0], top + height - GAP), radius=6, outline=LINE)
            _draw_block(sheet, blocks[i], left + GAP, top + GAP)
            left += blocks[i].size[0] + GAP
        top += height
    return sheet


def wrap_boxes(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Wraps boxes into lines, in order, so that the whole has about `ASPECT_RATIO`. Returns the indices of each line.

    sizes: (width, height) of each box in pixels.
    """
    area = sum((width + GAP) * (height + GAP) for width, height in sizes)
    room = max([math.isqrt(round(area * ASPECT_RATIO)), *(width for width, _ in sizes)])
    lines: list[list[int]] = []
    left = 0
    for index, (width, _) in enumerate(sizes):
        if not lines or left + width > room:
            lines.append([])
            left = 0
        lines[-1].append(index)
        left += width + GAP
    return lines


def shorten(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Returns `text`, shortened in the middle to `width` pixels: names differ at their ends."""
    if font.getlength(text) <= width:
        return text
    for length in range(len(text) - 1, 1, -1):
        shortened = f"{text[: length // 2]}…{text[len(text) - (length - length // 2) :]}"
        if font.getlength(shortened) <= width:
            return shortened
    return "…"


def _draw_block(sheet: Image.Image, block: Block, left: int, top: int) -> None:
    pen, font = ImageDraw.Draw(sheet), font_of(12)
    for number, reference in enumerate(block.references):
        column, line = divmod(number, STACKED_REFERENCES)
        paste_centred(sheet, reference, left + column * (block.side + GAP), top + line * (block.side + GAP), block.side)
    left += block.indent
    for number, tile in enumerate(block.pictures):
        line, column = divmod(number, block.columns)
        x, y = left + column * (block.cell + GAP), top + line * (block.cell + CAPTION + GAP)
        paste_centred(sheet, tile.picture, x, y, block.cell)
        pen.text(
            (x + block.cell / 2, y + block.cell + 5), shorten(tile.caption, font, block.cell), FAINT, font, anchor="ma"
        )


def paste_centred(sheet: Image.Image, picture: Image.Image, x: int, y: int, side: int) -> None:
    """Pastes a picture into the middle of a square cell."""
    sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))


def titles_of(published: Published) -> tuple[str, str]:
    """Returns the title and the subtitle of a manifest's sheet."""
    manifest = published.manifest
    counts = f"{manifest.counts.done} of {manifest.counts.planned} pictures"
    model = f"{PurePath(manifest.model.name).name} ({manifest.model.licence})"
    return manifest.campaign, f"{manifest.brand}  ·  {counts}  ·  {model}  ·  {manifest.created:%Y-%m-%d %H:%M} UTC"


def _tile(folder: Store, record: Record, cell: int, on_broken: Callable[[str], None]) -> Tile:
    fields = {"name": record.name, "asset": record.asset, "sha256": record.sha256}
    return picture_tile(folder, fields, cell, on_broken)


def picture_tile(folder: Store, record: Mapping[str, Any], cell: int, on_broken: Callable[[str], None]) -> Tile:
    """Returns the tile of a picture, by the fields of its record; a placeholder if it's missing or can't be read."""
    key, name, sha256 = record["asset"] or "", record["name"], record.get("sha256")
    data = folder.read(key)
    if data is None:
        broken = "is missing"
    elif sha256 is not None and sha256_hex(data) != sha256:
        broken = "has changed"
    else:
        try:
            return Tile(thumbnail(data, cell), name)
        except PictureError:
            broken = "can't be read"
    on_broken(f"{folder.uri}/{key}: the picture {broken}")
    return Tile(placeholder(f"{name}\n{broken}", cell), name)


def _reference_thumbnails(record: Record, files: Mapping[str, Path], cell: int) -> Iterable[Image.Image]:
    for reference in record.references:
        file = files.get(reference.sha256)
        data = file.read_bytes() if file is not None and file.is_file() else b""
        if sha256_hex(data) == reference.sha256:
            yield thumbnail(data, reference_side(cell), reference.background or PAPER)


def thumbnail(data: bytes, side: int, background: str = PAPER) -> Image.Image:
    """Returns the picture in `data` (a PNG, JPEG or WebP file), resized to fit a square of `side` pixels.

    background: the colour behind transparent pixels. Raises PictureError.
    """
    decoded = decode(data, "of the sheet", background=background, max_pixels=MAX_PIXELS)
    return ImageOps.contain(decoded.picture, (side, side), Image.Resampling.LANCZOS)


def placeholder(text: str, side: int) -> Image.Image:
    """Returns a square with a few lines of text, drawn in place of a picture."""
    square = Image.new("RGB", (side, side), EMPTY)
    pen, font = ImageDraw.Draw(square), font_of(12)
    pen.rectangle((0, 0, side - 1, side - 1), outline=LINE)
    lines = [shorten(line, font, side - GAP) for line in text.splitlines()]
    pen.multiline_text((side / 2, side / 2), "\n".join(lines), FAINT, font, anchor="mm", align="center")
    return square


def font_of(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Returns the font of sheets in a size."""
    return ImageFont.load_default(size)
