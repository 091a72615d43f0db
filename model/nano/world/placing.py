"""One item: its drawing and position in the picture, and the reference picture of it alone."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from brandpress.model.nano.world.backdrop import spot
from brandpress.model.nano.world.colours import Rgb, dominant_colour, mixed, random_colour
from brandpress.model.nano.world.facts import Item, ItemFacts, item_facts
from brandpress.model.nano.world.layout import (
    Span,
    across_span,
    aligned_position,
    down_span,
    position_near_middle,
    random_position,
    reference_span,
)
from brandpress.model.nano.world.products import Product, draw_product

Size = tuple[int, int]
"""Width and height in pixels."""

_BACKGROUNDS: tuple[Rgb, ...] = ((255, 255, 255), (240, 240, 240), (224, 224, 226), (250, 244, 234), (230, 240, 250),
                             (248, 230, 238), (232, 246, 234))  # fmt: skip
_SHADOW = spot(1.0)
_FAINTER = {share: [round(v * share) for v in range(256)] for share in (0.35, 0.6)}


@dataclass(frozen=True, slots=True)
class Placed:
    """An item's drawing, pasted into the picture with its upper left corner at (x, y)."""

    drawing: Image.Image
    x: int
    y: int


def shift_hue(picture: Image.Image, shift: int) -> Image.Image:
    """Returns an RGBA picture with its hues rotated by `shift` of 256."""
    if shift == 0:
        return picture
    hue, saturation, value = picture.convert("RGB").convert("HSV").split()
    shifted = hue.point([(v + shift) % 256 for v in range(256)])
    result = Image.merge("HSV", (shifted, saturation, value)).convert("RGB")
    result.putalpha(picture.getchannel("A"))
    return result


def _master(item: Item, size: int) -> Image.Image:
    """Returns an item at two or three times its size in the picture, or the cached artwork."""
    if isinstance(item.subject, Product):
        return draw_product(item.subject, size * 3 if size <= 80 else size * 2)
    return item.subject.sprite()


def _scale(master: Image.Image, size: int) -> Image.Image:
    scale = size / max(master.size)
    shape = (max(4, round(master.width * scale)), max(4, round(master.height * scale)))
    return master.resize(shape, Image.Resampling.BOX if scale < 0.4 else Image.Resampling.HAMMING)


def cast_shadow(picture: Image.Image, drawing: Image.Image, x: int, y: int, strength: float) -> None:
    """Darken the ground below a drawing."""
    wide, flat = max(4, round(drawing.width * 1.15)), max(3, round(drawing.width * 0.2))
    mask = _SHADOW.resize((wide, flat)).point(_FAINTER[strength])
    corner = (x + drawing.width // 2 - wide // 2, y + drawing.height - flat // 2 - flat // 8)
    picture.paste((12, 10, 22), corner, mask)


def _random_background(rng: random.Random) -> Rgb:
    if rng.random() < 0.72:
        return rng.choice(_BACKGROUNDS)
    return mixed(random_colour(rng), (255, 255, 255), rng.uniform(0.2, 0.7))


def item_reference(rng: random.Random, drawing: Image.Image, x: int, y: int, canvas: Size) -> Image.Image:
    """Returns a drawing with its upper left corner at (x, y) on a plain background."""
    picture = Image.new("RGB", canvas, _random_background(rng))
    if rng.random() < 0.5:
        cast_shadow(picture, drawing, x, y, 0.35)
    picture.paste(drawing, (x, y), drawing)
    return picture


def place_item(
    rng: random.Random,
    item: Item,
    slot: str,
    size: int,
    shape: Size,
    count: int,
    canvas: Size,
    *,
    crowded: bool,
) -> tuple[Placed, Image.Image, ItemFacts]:
    """Returns an item placed in the picture, its reference and its facts.

    In 75 % the reference shows the identical drawing, shifted by a whole number of tokens; otherwise another drawing of
    about the same size. The position varies little, because whatever training leaves open becomes blurry when sampled
    with few steps.
    """
    width, height = shape
    master = _master(item, size)

    def spans(drawing: Image.Image) -> tuple[Span, Span]:
        return across_span(slot, count, drawing.width, width, crowded=crowded), down_span(drawing.height, height)

    scaled = shift_hue(_scale(master, size), item.hue_shift)
    use_copy = _same_scale(shape, canvas) and _fits(scaled, canvas) and rng.random() < 0.75
    pair = _copy(rng, scaled, spans, canvas) if use_copy else None
    if pair is None:
        slots = 3 if crowded else count
        max_size = round(min(size * rng.uniform(0.9, 1.1), width / slots, height * 0.66))
        pair = _redraw(rng, master, item.hue_shift, max_size, spans, canvas)
    drawing, (x, y), shown, inside = pair
    x = max(1, min(width - drawing.width - 1, x))
    colour: str | None = None
    if not isinstance(item.subject, Product):
        colour = item.subject.colour if item.hue_shift == 0 else dominant_colour(shown)
    row = item_facts(item, slot, colour, (x, y, x + drawing.width, y + drawing.height))
    return Placed(drawing, x, y), item_reference(rng, shown, *inside, canvas), row


def _same_scale(shape: Size, canvas: Size) -> bool:
    unit = max(1.0, min(shape) / 128)
    return abs(unit - max(1.0, math.sqrt(canvas[0] * canvas[1]) / 64)) < 0.01


def _fits(shown: Image.Image, canvas: Size) -> bool:
    return shown.width <= canvas[0] - 4 and shown.height <= canvas[1] - 4


class _Pair(NamedTuple):
    """An item's drawing in the picture, at `at`, and the one in its reference, at `inside`."""

    drawing: Image.Image
    at: tuple[int, int]
    shown: Image.Image
    inside: tuple[int, int]


Spans = Callable[[Image.Image], tuple[Span, Span]]


def _copy(rng: random.Random, shown: Image.Image, spans: Spans, canvas: Size) -> _Pair | None:
    """Returns the identical drawing, a whole number of tokens away; None if it would cover its neighbour."""
    across, down = spans(shown)
    for _ in range(4):
        inside = _in_reference(rng, shown, canvas)
        x, y = aligned_position(inside[0], across), aligned_position(inside[1], down)
        if across.low - 1 <= x <= across.high + 1:
            return _Pair(shown, (x, y), shown, inside)
    return None


def _redraw(
    rng: random.Random, master: Image.Image, hue_shift: int, max_size: int, spans: Spans, canvas: Size
) -> _Pair:
    """Returns another drawing of at most `max_size` pixels, rotated in 50 %, near the middle of its slot."""
    fill = rng.uniform(50, 54) / 64 * min(canvas[0] / master.width, canvas[1] / master.height)
    shown = shift_hue(_scale(master, round(fill * max(master.size))), hue_shift)
    inside = _in_reference(rng, shown, canvas)
    rotated = master
    if rng.random() < 0.5:
        rotated = master.rotate(rng.uniform(-7, 7), Image.Resampling.BILINEAR, expand=True)
        rotated = rotated.crop(rotated.getchannel("A").point(_OPAQUE).getbbox())
    drawing = shift_hue(_scale(rotated, max_size), hue_shift)
    across, down = spans(drawing)
    return _Pair(drawing, (position_near_middle(rng, across, 2), position_near_middle(rng, down, 2)), shown, inside)


def _in_reference(rng: random.Random, shown: Image.Image, canvas: Size) -> tuple[int, int]:
    """Returns a random position in the reference: near the middle in 85 %, otherwise anywhere inside the margin."""
    across, down = reference_span(shown.width, canvas[0]), reference_span(shown.height, canvas[1])
    if rng.random() < 0.15:
        return random_position(rng, across), random_position(rng, down)
    return position_near_middle(rng, across, 3), position_near_middle(rng, down, 3)


_OPAQUE = [0] * 25 + [255] * 231
