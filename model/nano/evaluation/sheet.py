"""Contact sheets of an evaluation's pictures: the worst first, next to their references."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw

from brandpress.model.nano.evaluation.stranger import APART, Seen

COLUMNS = 8
_CELL, _REFERENCE, _TEXT, _GAP = 256, 56, 58, 8
_CHARACTERS = 42
"""Of the prompt in a line."""


def draw_sheet(seen: Sequence[Seen]) -> Image.Image:
    """Returns the sheet: pictures by rising margin, their references below, then prompt and what wasn't found."""
    ranked = sorted(seen, key=lambda one: one.sighting.margin)
    across, down = _CELL + _GAP, _CELL + _REFERENCE + _TEXT + _GAP
    rows = -(-len(ranked) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * across + _GAP, rows * down + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for index, one in enumerate(ranked):
        x, y = _GAP + index % COLUMNS * across, _GAP + index // COLUMNS * down
        sheet.paste(one.picture.convert("RGB").resize((_CELL, _CELL), Image.Resampling.BICUBIC), (x, y))
        for place, subject in enumerate(one.shot.references):
            reference = subject.reference().resize((_REFERENCE, _REFERENCE), Image.Resampling.LANCZOS)
            sheet.paste(reference, (x + place * (_REFERENCE + 4), y + _CELL))
        draw.text((x + 150, y + _CELL + 4), _verdict(one), "firebrick")
        prompt = unicodedata.normalize("NFKD", one.shot.prompt).encode("ascii", "ignore").decode()  # as the font has
        lines = textwrap.wrap(prompt, _CHARACTERS)[:4]
        draw.text((x, y + _CELL + _REFERENCE), "\n".join(lines), "black", spacing=2)
    return sheet


def draw_grid(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns the pictures in rows of COLUMNS, in order."""
    side = _CELL + _GAP
    grid = Image.new("RGB", (COLUMNS * side + _GAP, -(-len(pictures) // COLUMNS) * side + _GAP), "white")
    for index, picture in enumerate(pictures):
        shown = picture.convert("RGB").resize((_CELL, _CELL), Image.Resampling.BICUBIC)
        grid.paste(shown, (_GAP + index % COLUMNS * side, _GAP + index // COLUMNS * side))
    return grid


def _verdict(one: Seen) -> str:
    verdicts = zip(one.shot.subjects, one.sighting.recognised, strict=True)
    missing = [subject.noun for subject, recognised in verdicts if not recognised]
    lines = [f"{one.sighting.margin:+.2f}", *(f"no {noun}"[:17] for noun in missing[:2])]
    if len(one.shot.subjects) > 1 and one.sighting.distance < APART:
        lines.append("not apart")
    return "\n".join(lines)
