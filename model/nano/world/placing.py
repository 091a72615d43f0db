"""One item: its drawing at its place in the picture, and the reference that shows it by itself."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from brandpress.model.nano.world.backdrop import spot
from brandpress.model.nano.world.colours import Rgb, any_colour, dominant_colour, mixed
from brandpress.model.nano.world.facts import Item, ItemFacts, item_facts
from brandpress.model.nano.world.layout import Span, across_span, aligned, down_span, near_middle, pick, reference_span
from brandpress.model.nano.world.products import Product, draw_product

Size = tuple[int, int]  # width and height in pixels

_GROUNDS: tuple[Rgb, ...] = ((255, 255, 255), (240, 240, 240), (224, 224, 226), (250, 244, 234), (230, 240, 250),
                             (248, 230, 238), (232, 246, 234))  # fmt: skip
_SHADOW = spot(1.0)
_FAINTER = {share: [round(v * share) for v in range(256)] for share in (0.35, 0.6)}


@dataclass(frozen=True, slots=True)
class Placed:
    """An item's drawing as pasted into the picture with its upper left corner at (x, y)."""

    drawing: Image.Image
    x: int
    y: int


def turned(picture: Image.Image, turn: int) -> Image.Image:
    """Returns an RGBA picture with its hues turned by `turn` of 256."""
    if turn == 0:
        return picture
    hue, saturation, value = picture.convert("RGB").convert("HSV").split()
    shifted = hue.point([(v + turn) % 256 for v in range(256)])
    result = Image.merge("HSV", (shifted, saturation, value)).convert("RGB")
    result.putalpha(picture.getchannel("A"))
    return result


def _master(item: Item, size: int) -> Image.Image:
    """Draws an item large: two or three times the size it is shown at, or the artwork as it is cached."""
    if isinstance(item.subject, Product):
        return draw_product(item.subject, size * 3 if size <= 80 else size * 2)
    return item.subject.sprite()


def _scaled(master: Image.Image, size: int) -> Image.Image:
    scale = size / max(master.size)
    shape = (max(4, round(master.width * scale)), max(4, round(master.height * scale)))
    return master.resize(shape, Image.Resampling.BOX if scale < 0.4 else Image.Resampling.HAMMING)


def cast_shadow(picture: Image.Image, drawing: Image.Image, x: int, y: int, strength: float) -> None:
    """Darkens the ground below a drawing."""
    wide, flat = max(4, round(drawing.width * 1.15)), max(3, round(drawing.width * 0.2))
    mask = _SHADOW.resize((wide, flat)).point(_FAINTER[strength])
    corner = (x + drawing.width // 2 - wide // 2, y + drawing.height - flat // 2 - flat // 8)
    picture.paste((12, 10, 22), corner, mask)


def _ground(rng: random.Random) -> Rgb:
    if rng.random() < 0.72:
        return rng.choice(_GROUNDS)
    return mixed(any_colour(rng), (255, 255, 255), rng.uniform(0.2, 0.7))


def item_reference(rng: random.Random, drawing: Image.Image, x: int, y: int, canvas: Size) -> Image.Image:
    """Returns a drawing on a plain ground with its upper left corner at (x, y)."""
    picture = Image.new("RGB", canvas, _ground(rng))
    if rng.random() < 0.5:
        cast_shadow(picture, drawing, x, y, 0.35)
    picture.paste(drawing, (x, y), drawing)
    return picture


def place(
    rng: random.Random,
    item: Item,
    slot: str,
    size: int,
    shape: Size,
    count: int,
    crowded: bool,
    canvas: Size,
) -> tuple[Placed, Image.Image, ItemFacts]:
    """Draws one item and its reference: the very same drawing a whole number of tokens away (75 %), or about as large.

    Where an item goes is as certain as can be: what is left open in training is blurred in pictures of few steps.
    """
    width, height = shape
    master = _master(item, size)

    def spans(drawing: Image.Image) -> tuple[Span, Span]:
        return across_span(slot, count, crowded, drawing.width, width), down_span(drawing.height, height)

    shown = turned(_scaled(master, size), item.turn)
    copies = _same_scale(shape, canvas) and _fits(shown, canvas) and rng.random() < 0.75
    copied = _copied(rng, shown, spans, canvas) if copies else None
    if copied is None:
        slots = 3 if crowded else count
        most = round(min(size * rng.uniform(0.9, 1.1), width / slots, height * 0.66))
        copied = _redrawn(rng, master, item.turn, most, spans, canvas)
    drawing, (x, y), shown, inside = copied
    x = max(1, min(width - drawing.width - 1, x))
    colour: str | None = None
    if not isinstance(item.subject, Product):
        colour = item.subject.colour if item.turn == 0 else dominant_colour(shown)
    row = item_facts(item, slot, colour, (x, y, x + drawing.width, y + drawing.height))
    return Placed(drawing, x, y), item_reference(rng, shown, *inside, canvas), row


def _same_scale(shape: Size, canvas: Size) -> bool:
    unit = max(1.0, min(shape) / 128)
    return abs(unit - max(1.0, math.sqrt(canvas[0] * canvas[1]) / 64)) < 0.01


def _fits(shown: Image.Image, canvas: Size) -> bool:
    return shown.width <= canvas[0] - 4 and shown.height <= canvas[1] - 4


class _Twice(NamedTuple):
    """An item as drawn in the picture at `at`, and as shown in its reference at `inside`."""

    drawing: Image.Image
    at: tuple[int, int]
    shown: Image.Image
    inside: tuple[int, int]


Spans = Callable[[Image.Image], tuple[Span, Span]]


def _copied(rng: random.Random, shown: Image.Image, spans: Spans, canvas: Size) -> _Twice | None:
    """The very same drawing, a whole number of tokens away; None where it would cover its neighbour."""
    across, down = spans(shown)
    for _ in range(4):
        inside = _in_reference(rng, shown, canvas)
        x, y = aligned(inside[0], across), aligned(inside[1], down)
        if across.low - 1 <= x <= across.high + 1:
            return _Twice(shown, (x, y), shown, inside)
    return None


def _redrawn(rng: random.Random, master: Image.Image, turn: int, most: int, spans: Spans, canvas: Size) -> _Twice:
    """Another drawing, of at most `most` pixels and often leaning, near the middle of its place."""
    fill = rng.uniform(50, 54) / 64 * min(canvas[0] / master.width, canvas[1] / master.height)
    shown = turned(_scaled(master, round(fill * max(master.size))), turn)
    inside = _in_reference(rng, shown, canvas)
    leaning = master
    if rng.random() < 0.5:
        leaning = master.rotate(rng.uniform(-7, 7), Image.Resampling.BILINEAR, expand=True)
        leaning = leaning.crop(leaning.getchannel("A").point(_OPAQUE).getbbox())
    drawing = turned(_scaled(leaning, most), turn)
    across, down = spans(drawing)
    return _Twice(drawing, (near_middle(rng, across, 2), near_middle(rng, down, 2)), shown, inside)


def _in_reference(rng: random.Random, shown: Image.Image, canvas: Size) -> tuple[int, int]:
    """Draws where an item begins in its reference: about the middle, at times anywhere inside the margin."""
    across, down = reference_span(shown.width, canvas[0]), reference_span(shown.height, canvas[1])
    if rng.random() < 0.15:
        return pick(rng, across), pick(rng, down)
    return near_middle(rng, across, 3), near_middle(rng, down, 3)


_OPAQUE = [0] * 25 + [255] * 231
