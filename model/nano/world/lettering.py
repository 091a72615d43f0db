"""Capitals, digits and a few signs as strokes, drawn with any pen, and as Pillow's built-in font."""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

Stroke = tuple[tuple[float, float], ...]


def _arc(x: float, y: float, across: float, down: float, start: float, end: float) -> Stroke:
    """Returns a part of an ellipse; angles in degrees, clockwise from the right."""
    steps = max(4, round(abs(end - start) / 18))
    angles = [math.radians(start + (end - start) * index / steps) for index in range(steps + 1)]
    return tuple((x + across * math.cos(a), y + down * math.sin(a)) for a in angles)


_RING = _arc(2, 3, 2, 3, 0, 360)
_BOWL = (*_arc(1.9, 1.5, 1.5, 1.5, -90, 90), (0.0, 3.0))
_GLYPHS: dict[str, tuple[float, tuple[Stroke, ...]]] = {
    "A": (4, (((0, 6), (2, 0), (4, 6)), ((0.7, 4), (3.3, 4)))),
    "B": (3.8, (((0, 3), (0, 0), (1.9, 0), *_BOWL), ((0, 3), (2.1, 3), *_arc(2.1, 4.5, 1.6, 1.5, -90, 90), (0, 6),
                                                      (0, 3)))),
    "C": (4, (_arc(2.2, 3, 2.2, 3, -45, -315),)),
    "D": (4, (((0, 0), (1.5, 0), *_arc(1.5, 3, 2.4, 3, -90, 90), (0, 6), (0, 0)),)),
    "E": (3.3, (((3.3, 0), (0, 0), (0, 6), (3.3, 6)), ((0, 3), (2.8, 3)))),
    "F": (3.2, (((3.2, 0), (0, 0), (0, 6)), ((0, 3), (2.7, 3)))),
    "G": (4.2, ((*_arc(2.2, 3, 2.2, 3, -45, -360), (2.4, 3)),)),
    "H": (3.9, (((0, 0), (0, 6)), ((3.9, 0), (3.9, 6)), ((0, 3), (3.9, 3)))),
    "I": (0.0, (((0, 0), (0, 6)),)),
    "J": (2.9, (((2.9, 0), (2.9, 4.2), *_arc(1.45, 4.5, 1.45, 1.5, 0, 170)),)),
    "K": (3.7, (((0, 0), (0, 6)), ((3.6, 0), (0, 3.6)), ((1.2, 2.5), (3.7, 6)))),
    "L": (3.1, (((0, 0), (0, 6), (3.1, 6)),)),
    "M": (4.6, (((0, 6), (0, 0), (2.3, 4), (4.6, 0), (4.6, 6)),)),
    "N": (3.9, (((0, 6), (0, 0), (3.9, 6), (3.9, 0)),)),
    "O": (4, (_RING,)),
    "P": (3.5, (((0, 6), (0, 0), (1.9, 0), *_BOWL),)),
    "Q": (4.1, (_RING, ((2.5, 4.3), (4.1, 6.2)))),
    "R": (3.6, (((0, 6), (0, 0), (1.9, 0), *_BOWL), ((1.6, 3), (3.6, 6)))),
    "S": (3.6, ((*_arc(1.85, 1.5, 1.6, 1.5, -30, -270), *_arc(1.8, 4.5, 1.75, 1.5, -90, 155)),)),
    "T": (4, (((0, 0), (4, 0)), ((2, 0), (2, 6)))),
    "U": (3.8, (((0, 0), (0, 4), *_arc(1.9, 4.1, 1.9, 1.9, 180, 0), (3.8, 0)),)),
    "V": (4, (((0, 0), (2, 6), (4, 0)),)),
    "W": (5.6, (((0, 0), (1.4, 6), (2.8, 0.6), (4.2, 6), (5.6, 0)),)),
    "X": (3.8, (((0, 0), (3.8, 6)), ((3.8, 0), (0, 6)))),
    "Y": (4, (((0, 0), (2, 3.1), (4, 0)), ((2, 3.1), (2, 6)))),
    "Z": (3.7, (((0.1, 0), (3.7, 0), (0, 6), (3.7, 6)),)),
    "0": (3.6, (_arc(1.8, 3, 1.8, 3, 0, 360),)),
    "1": (1.6, (((0, 1.3), (1.6, 0), (1.6, 6)),)),
    "2": (3.5, ((*_arc(1.75, 1.7, 1.7, 1.7, -170, 35), (0, 6), (3.5, 6)),)),
    "3": (3.5, ((*_arc(1.7, 1.5, 1.6, 1.5, -150, 90), *_arc(1.75, 4.5, 1.75, 1.5, -90, 150)),)),
    "4": (3.8, (((3.0, 6), (3.0, 0), (0, 4.3), (3.8, 4.3)),)),
    "5": (3.5, (((3.3, 0), (0.4, 0), (0.2, 2.8), *_arc(1.7, 4.1, 1.8, 1.9, -120, 150)),)),
    "6": (3.6, (((3.0, 0), (0.5, 3.1), *_arc(1.8, 4.2, 1.8, 1.8, 200, 560)),)),
    "7": (3.5, (((0, 0), (3.5, 0), (1.3, 6)),)),
    "8": (3.6, (_arc(1.8, 1.45, 1.5, 1.45, 0, 360), _arc(1.8, 4.45, 1.8, 1.55, 0, 360))),
    "9": (3.6, (((0.6, 6), (3.1, 2.9), *_arc(1.8, 1.8, 1.8, 1.8, 20, 380)),)),
    "%": (5.2, (_arc(1.1, 1.3, 1.1, 1.3, 0, 360), _arc(4.1, 4.7, 1.1, 1.3, 0, 360), ((4.3, 0), (0.9, 6)))),
    "-": (2.2, (((0, 3.2), (2.2, 3.2)),)),
    "+": (2.8, (((0, 3.2), (2.8, 3.2)), ((1.4, 1.8), (1.4, 4.6)))),
    "!": (0.0, (((0, 0), (0, 4)), ((0, 5.9), (0, 6)))),
    "&": (4.2, (((4.2, 6), (0.8, 1.9), *_arc(1.8, 1.3, 1.2, 1.3, 155, 400), (0.6, 3.6),
                 *_arc(1.6, 4.6, 1.6, 1.4, 220, 20), (3.9, 3.2)),)),
}  # fmt: skip
_SPACE = 2.2
LETTERS = frozenset(_GLYPHS) | {" "}
"""The characters that can be drawn."""


@dataclass(frozen=True, slots=True)
class Typeface:
    """How letters look: drawn with a pen, or the built-in font.

    pen: the pen's width as a share of the cap height; 0 for the built-in font. bold: extra stroke of the built-in font,
    as a share of the cap height. stretch: factor of the width. lean: slant to the right as a share of the height.
    gap: space between drawn letters as a share of the cap height.
    """

    pen: float
    bold: float
    stretch: float
    lean: float
    gap: float


def random_typeface(rng: random.Random) -> Typeface:
    """Returns a random typeface: the built-in font in half of the cases."""
    stretch = rng.choice((0.85, 0.92, 1.0, 1.0, 1.08))
    lean = rng.choice((0.0, 0.0, 0.0, 0.16))
    if rng.random() < 0.5:
        return Typeface(0.0, rng.choice((0.035, 0.05, 0.07)), stretch, lean, 0.0)
    pen = rng.choice((0.14, 0.17, 0.2, 0.23))
    return Typeface(pen, 0.0, stretch, lean, 0.12 + pen * rng.uniform(0.8, 1.1))


def letter_mask(words: str, cap: int, face: Typeface) -> Image.Image:
    """Returns a line of capitals as a mask, `cap` pixels high and trimmed.

    Raises ValueError for a character that has no glyph.
    """
    missing = sorted(set(words) - LETTERS)
    if missing:
        raise ValueError(f"banner: no glyph for {missing[0]!r}; allowed: {''.join(sorted(LETTERS))}")
    scale = 3
    large = _drawn(words, cap * scale, face) if face.pen else _set(words, cap * scale, face)
    box = large.getbbox() or (0, 0, 1, 1)
    large = large.crop(box)
    if face.lean:
        lean = face.lean * large.height
        shape = (round(large.width + lean), large.height)
        large = large.transform(
            shape, Image.Transform.AFFINE, (1, face.lean, -lean, 0, 1, 0), Image.Resampling.BILINEAR
        )
    return large.resize((max(1, round(large.width * face.stretch / scale)), cap), Image.Resampling.BOX)


def _drawn(words: str, cap: int, face: Typeface) -> Image.Image:
    pen = face.pen * cap
    unit = (cap - pen) / 6
    letter_gap = face.gap * cap
    widths = [_SPACE if letter == " " else _GLYPHS[letter][0] for letter in words]
    picture = Image.new("L", (round(sum(widths) * unit + (letter_gap + pen) * (len(words) + 1)), round(cap + pen)))
    draw = ImageDraw.Draw(picture)
    x = pen
    for letter, width in zip(words, widths, strict=True):
        for stroke in _GLYPHS[letter][1] if letter != " " else ():
            points = [(x + px * unit, pen / 2 + py * unit) for px, py in stroke]
            draw.line(points, 255, max(1, round(pen)), joint="curve")
            for px, py in (points[0], points[-1]):
                draw.ellipse((px - pen / 2 + 0.5, py - pen / 2 + 0.5, px + pen / 2 - 0.5, py + pen / 2 - 0.5), 255)
        x += width * unit + letter_gap + (pen if letter != " " else 0)
    return picture


def _set(words: str, cap: int, face: Typeface) -> Image.Image:
    font = ImageFont.load_default(round(cap / 0.72))
    bold = round(face.bold * cap)
    left, top, right, bottom = font.getbbox(words, stroke_width=bold)
    picture = Image.new("L", (round(right - left), round(bottom - top)))
    ImageDraw.Draw(picture).text((-left, -top), words, 255, font, stroke_width=bold)
    return picture
