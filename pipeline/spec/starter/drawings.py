"""Draws the reference pictures of the starter: a mug and a chick."""

from __future__ import annotations

import math
from io import BytesIO

from PIL import Image, ImageDraw

SIDE = 256
SCALE = 4
"""Drawn larger and scaled down, for smooth edges."""

_GREEN, _DARK_GREEN, _WHITE = "#2e7d5b", "#1f5a41", "#ffffff"
_YELLOW, _DARK_YELLOW, _ORANGE, _BLACK = "#f7d038", "#e3b51f", "#ee7a2b", "#22201c"


def mug() -> bytes:
    """Returns the PNG of a green mug with a white star."""
    picture, draw = _canvas()
    draw.ellipse(_box(160, 88, 228, 176), outline=_GREEN, width=_scaled(18))
    draw.rounded_rectangle(_box(48, 56, 184, 208), radius=_scaled(18), fill=_GREEN)
    draw.ellipse(_box(48, 44, 184, 76), fill=_DARK_GREEN)
    draw.polygon(_star(116, 144, 42), fill=_WHITE)
    return _png(picture)


def chick() -> bytes:
    """Returns the PNG of a yellow chick."""
    picture, draw = _canvas()
    for left in (100, 136):
        draw.line([*_points((left + 8, 200), (left, 228))], fill=_ORANGE, width=_scaled(8))
    draw.ellipse(_box(60, 104, 196, 216), fill=_YELLOW)
    draw.ellipse(_box(76, 36, 172, 132), fill=_YELLOW)
    draw.chord(_box(76, 136, 148, 196), 0, 180, fill=_DARK_YELLOW)
    draw.polygon([*_points((164, 78), (196, 90), (164, 102))], fill=_ORANGE)
    draw.ellipse(_box(132, 66, 148, 82), fill=_BLACK)
    return _png(picture)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), _WHITE)
    return picture, ImageDraw.Draw(picture)


def _png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
    return file.getvalue()


def _scaled(length: int) -> int:
    return length * SCALE


def _box(left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
    return left * SCALE, top * SCALE, right * SCALE, bottom * SCALE


def _points(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _star(x: int, y: int, radius: int) -> list[tuple[float, float]]:
    """Returns the corners of a star with five points around (x, y)."""
    corners = []
    for corner in range(10):
        distance = radius if corner % 2 == 0 else 0.42 * radius
        angle = math.pi * (corner / 5 - 0.5)
        corners.append((x + distance * math.cos(angle), y + distance * math.sin(angle)))
    return _points(*corners)
