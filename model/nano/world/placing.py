"""One item: its drawing and position in the picture, and the reference picture of it alone."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.backdrop import spot
from brandpress.model.nano.world.colours import dominant_colour
from brandpress.model.nano.world.facts import Item
from brandpress.model.nano.world.grounds import photographed, random_ground
from brandpress.model.nano.world.layout import (
    TOKEN,
    Span,
    aligned_position,
    position_near_middle,
    random_position,
    reference_span,
)
from brandpress.model.nano.world.products import Product, draw_product
from brandpress.model.nano.world.restyle import restyled
from brandpress.model.nano.world.things import Thing

Size = tuple[int, int]
"""Width and height in pixels."""
Spans = Callable[[Image.Image], tuple[Span, Span]]
"""Returns the positions, across and down, that a drawing may take in the picture."""

_COPIES = 0.66
"""Share of the references that show the identical drawing, of those where it fits."""
_TILTED = 0.25
_SMALLEST_COPY = 0.55
"""A smaller drawing, as a share of the reference, is not copied: its reference shows the item larger."""
_SOFT, _DARK = spot(1.0), spot(0.6)
_OPAQUE = [0] * 25 + [255] * 231


@dataclass(frozen=True, slots=True)
class Placed:
    """An item's drawing, pasted into the picture with its upper left corner at (x, y). raised: on top of another."""

    drawing: Image.Image
    x: int
    y: int
    raised: bool = False


def shift_hue(picture: Image.Image, shift: int) -> Image.Image:
    """Returns an RGBA picture with its hues rotated by `shift` of 256."""
    if shift == 0:
        return picture
    hue, saturation, value = picture.convert("RGB").convert("HSV").split()
    shifted = hue.point([(v + shift) % 256 for v in range(256)])
    result = Image.merge("HSV", (shifted, saturation, value)).convert("RGB")
    result.putalpha(picture.getchannel("A"))
    return result


def master_drawing(rng: random.Random, item: Item, size: int) -> Image.Image:
    """Returns an item at its best size for drawings of at most `size` pixels, with the item's hue shift.

    Products and artworks vary in light, grain and proportions (`restyle.py`).
    """
    if isinstance(item.subject, Thing):
        return item.subject.draw(round(1.2 * size))  # it is trimmed
    if isinstance(item.subject, Product):
        # a multiple of 80, because the masks of each size are cached
        return restyled(rng, draw_product(item.subject, 80 * -(-round(size * 2) // 80)))
    return restyled(rng, shift_hue(item.subject.sprite(), item.hue_shift))


def scaled(master: Image.Image, size: int) -> Image.Image:
    """Returns a picture with a longer side of `size` pixels."""
    scale = size / max(master.size)
    shape = (max(4, round(master.width * scale)), max(4, round(master.height * scale)))
    if shape == master.size:
        return master
    return master.resize(shape, Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.HAMMING)


def _foot(drawing: Image.Image) -> tuple[int, int]:
    """Returns the left and right edge of the lowest part of a drawing."""
    high = max(2, drawing.height // 14)
    box = drawing.getchannel("A").crop((0, drawing.height - high, *drawing.size)).point(_OPAQUE).getbbox()
    return (box[0], box[2]) if box else (0, drawing.width)


def cast_shadow(picture: Image.Image, drawing: Image.Image, x: int, y: int, strength: float) -> None:
    """Darken the ground below a drawing: softly around it, more at the contact. strength: 0 to 1."""
    left, right = _foot(drawing)
    ground = y + drawing.height
    middle = x + (left + right) / 2
    whole = (right - left) * 0.6 + drawing.width * 0.4
    for mask, wide, flat, part, drop in (
        (_SOFT, whole * 1.45, max(6.0, whole * 0.26), 0.62, 0.1),
        (_DARK, (right - left) * 1.12 + 4, max(4.0, (right - left) * 0.1), 0.8, 0.0),
    ):
        shape = (max(4, round(wide)), max(3, round(flat)))
        faded = mask.resize(shape, Image.Resampling.BILINEAR).point(_faded(round(100 * strength * part)))
        picture.paste((12, 10, 22), (round(middle - wide / 2), round(ground - flat * (0.55 - drop))), faded)


def _faded(percent: int) -> list[int]:
    return [v * percent // 100 for v in range(256)]


def item_reference(rng: random.Random, drawing: Image.Image, x: int, y: int, canvas: Size) -> Image.Image:
    """Returns a drawing with its upper left corner at (x, y) on a plain ground, sometimes as if photographed."""
    picture = random_ground(rng, canvas)
    if rng.random() < 0.5:
        cast_shadow(picture, drawing, x, y, rng.choice((0.3, 0.45, 0.6)))
    picture.paste(drawing, (x, y), drawing)
    return photographed(rng, picture)


def place_item(
    rng: random.Random, item: Item, size: Callable[[Size], int], spans: Spans, canvas: Size
) -> tuple[Placed, Image.Image, str | None]:
    """Returns an item placed in the picture, its reference and its colour word (artwork only).

    size: the longer side, in pixels, for a drawing of this width and height. In most references that can hold it, the
    drawing is the identical one, shifted by a whole number of tokens; the others show the item at another size,
    sometimes tilted.
    """
    master = master_drawing(rng, item, round(max(size((100, 100)), 0.9 * max(canvas))))
    drawing = scaled(master, size(master.size))
    across, down = spans(drawing)
    pair = None
    if _fits(drawing, canvas) and rng.random() < _COPIES:
        pair = _copy(rng, drawing, (across, down), canvas)
    if pair is None:
        pair = _redraw(rng, master, drawing, (across, down), canvas)
    placed = Placed(drawing, *pair.at)
    colour: str | None = None
    if isinstance(item.subject, Artwork):
        colour = item.subject.colour if item.hue_shift == 0 else dominant_colour(drawing)
    return placed, item_reference(rng, pair.shown, *pair.inside, canvas), colour


def _fits(drawing: Image.Image, canvas: Size) -> bool:
    share = max(drawing.width / canvas[0], drawing.height / canvas[1])
    return share >= _SMALLEST_COPY and drawing.width <= canvas[0] - 2 and drawing.height <= canvas[1] - 2


class _Pair(NamedTuple):
    """An item's position in the picture, its drawing in the reference, and the position there."""

    at: tuple[int, int]
    shown: Image.Image
    inside: tuple[int, int]


def _copy(rng: random.Random, drawing: Image.Image, spans: tuple[Span, Span], canvas: Size) -> _Pair | None:
    """Returns the identical drawing, a whole number of tokens away; None if there is no such position."""
    places = []
    for span, length, edge in zip(spans, drawing.size, canvas, strict=True):
        place = _aligned(rng, span, length, edge)
        if place is None:
            return None
        places.append(place)
    (x, left), (y, top) = places
    return _Pair((x, y), drawing, (left, top))


def _aligned(rng: random.Random, span: Span, length: int, canvas: int) -> tuple[int, int] | None:
    """Returns a position in the picture and one in the reference, a whole number of tokens apart, along one axis."""
    free = reference_span(length, canvas)
    for _ in range(4):
        inside = position_near_middle(rng, free, 4) if rng.random() < 0.6 else random_position(rng, free)
        at = aligned_position(inside, span)
        if span.holds(at):
            return at, inside
    at = span.middle
    insides = [inside for inside in range(1, canvas - length) if (inside - at) % TOKEN == 0]
    return (at, rng.choice(insides)) if insides else None


def _redraw(
    rng: random.Random, master: Image.Image, drawing: Image.Image, spans: tuple[Span, Span], canvas: Size
) -> _Pair:
    """Returns another drawing, which fills 60 to 98 % of the reference; the item is near the middle of its spans."""
    shown = master
    if rng.random() < _TILTED:
        shown = master.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, expand=True)
        shown = shown.crop(shown.getchannel("A").point(_OPAQUE).getbbox())
    fill = rng.uniform(0.76, 0.98) if rng.random() < 0.75 else rng.uniform(0.6, 0.76)
    shown = scaled(shown, round(fill * max(shown.size) * min(canvas[0] / shown.width, canvas[1] / shown.height)))
    across, down = reference_span(shown.width, canvas[0], 0.01), reference_span(shown.height, canvas[1], 0.01)
    centred = rng.random() < 0.7
    inside = (
        position_near_middle(rng, across, 3) if centred else random_position(rng, across),
        position_near_middle(rng, down, 3) if centred else random_position(rng, down),
    )
    return _Pair((position_near_middle(rng, spans[0], 2), position_near_middle(rng, spans[1], 2)), shown, inside)
