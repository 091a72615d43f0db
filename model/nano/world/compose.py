"""Compositions: items standing in a scene, and the reference pictures that show each by itself."""

import math
import random
from dataclasses import dataclass

from PIL import Image

from model.nano.world.backdrop import spot
from model.nano.world.colours import Rgb, dominant_colour, mixed
from model.nano.world.facts import (
    Facts,
    Item,
    ItemFacts,
    item_facts,
    random_items,
    random_look,
    random_slots,
    scene_facts,
)
from model.nano.world.layout import across_span, aligned, down_span, item_size, near_middle, pick, reference_span
from model.nano.world.library import Library
from model.nano.world.products import Product, draw_product
from model.nano.world.scenes import random_scene

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


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with its facts and references.

    `item_references`: one for each item of `facts["items"]`. `style_reference`: another scene in the same look, None
    without a look. `background` and `placed` are what the picture was put together from.
    """

    picture: Image.Image
    facts: Facts
    item_references: tuple[Image.Image, ...]
    scene_reference: Image.Image
    style_reference: Image.Image | None
    background: Image.Image
    placed: tuple[Placed, ...]


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
    colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
    return mixed(colour, (255, 255, 255), rng.uniform(0.2, 0.7))


def item_reference(rng: random.Random, drawing: Image.Image, x: int, y: int, canvas: Size) -> Image.Image:
    """Returns a drawing on a plain ground with its upper left corner at (x, y)."""
    picture = Image.new("RGB", canvas, _ground(rng))
    if rng.random() < 0.5:
        cast_shadow(picture, drawing, x, y, 0.35)
    picture.paste(drawing, (x, y), drawing)
    return picture


def assemble(background: Image.Image, placed: tuple[Placed, ...]) -> Image.Image:
    """Returns the background with all shadows and then all items pasted in."""
    picture = background.copy()
    for part in placed:
        cast_shadow(picture, part.drawing, part.x, part.y, 0.6)
    for part in placed:
        picture.paste(part.drawing, (part.x, part.y), part.drawing)
    return picture


def compose(
    rng: random.Random,
    library: Library,
    width: int,
    height: int,
    held_out: bool = False,
    reference: Size = (64, 64),
    items: list[Item] | None = None,
    slots: tuple[str, ...] | None = None,
) -> Composition:
    """Draws one composition of `width` x `height` pixels by lot.

    `held_out` shows only artwork and products that training never shows. `reference`: width and height of the
    references; they show items at the picture's scale where the picture has four times their area. `items` and `slots`
    fix what would else be drawn by lot.
    """
    chosen = items if items is not None else random_items(rng, library, held_out)
    where = slots if slots is not None else random_slots(rng, len(chosen))
    crowded = len(chosen) == 2 and "centre" in where
    scene = random_scene(rng, random_look(rng))
    background = scene.draw(width, height)
    size = item_size(rng, width, height, len(chosen), crowded)
    placed: list[Placed] = []
    rows: list[ItemFacts] = []
    references: list[Image.Image] = []
    for item, slot in zip(chosen, where, strict=True):
        part, picture, row = _place(rng, item, slot, size, (width, height), len(chosen), crowded, reference)
        placed.append(part)
        references.append(picture)
        rows.append(row)
    alike = width * reference[1] == height * reference[0] and width >= reference[0]
    scene_reference = background.resize(reference, Image.Resampling.BOX) if alike else scene.draw(*reference)
    style_reference = None
    if scene.grade != "none":
        style_reference = random_scene(rng, scene.grade, but=scene.name).draw(*reference)
    return Composition(
        picture=assemble(background, tuple(placed)),
        facts=scene_facts(width, height, rows, scene),
        item_references=tuple(references),
        scene_reference=scene_reference,
        style_reference=style_reference,
        background=background,
        placed=tuple(placed),
    )


def _place(
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
    unit = max(1.0, min(width, height) / 128)
    same_scale = abs(unit - max(1.0, math.sqrt(canvas[0] * canvas[1]) / 64)) < 0.01
    drawing = shown = turned(_scaled(master, size), item.turn)
    copies = same_scale and shown.width <= canvas[0] - 4 and shown.height <= canvas[1] - 4 and rng.random() < 0.75
    for _ in range(4 if copies else 0):
        inside = _in_reference(rng, shown, canvas)
        across = across_span(slot, count, crowded, drawing.width, width)
        x, y = aligned(inside[0], across), aligned(inside[1], down_span(drawing.height, height))
        if across.low - 1 <= x <= across.high + 1:  # else it would cover its neighbour
            break
    else:
        fill = rng.uniform(50, 54) / 64 * min(canvas[0] / master.width, canvas[1] / master.height)
        shown = turned(_scaled(master, round(fill * max(master.size))), item.turn)
        inside = _in_reference(rng, shown, canvas)
        slots = 3 if crowded else count
        room = round(min(size * rng.uniform(0.9, 1.1), width / slots, height * 0.66))
        scaled = master
        if rng.random() < 0.5:
            scaled = master.rotate(rng.uniform(-7, 7), Image.Resampling.BILINEAR, expand=True)
            scaled = scaled.crop(scaled.getchannel("A").point(_OPAQUE).getbbox())
        drawing = turned(_scaled(scaled, room), item.turn)
        x = near_middle(rng, across_span(slot, count, crowded, drawing.width, width), 2)
        y = near_middle(rng, down_span(drawing.height, height), 2)
    x = max(1, min(width - drawing.width - 1, x))
    colour: str | None = None
    if not isinstance(item.subject, Product):
        colour = item.subject.colour if item.turn == 0 else dominant_colour(shown)
    row = item_facts(item, slot, colour, (x, y, x + drawing.width, y + drawing.height))
    return Placed(drawing, x, y), item_reference(rng, shown, *inside, canvas), row


def _in_reference(rng: random.Random, shown: Image.Image, canvas: Size) -> tuple[int, int]:
    """Draws where an item begins in its reference: about the middle, at times anywhere inside the margin."""
    across, down = reference_span(shown.width, canvas[0]), reference_span(shown.height, canvas[1])
    if rng.random() < 0.15:
        return pick(rng, across), pick(rng, down)
    return near_middle(rng, across, 3), near_middle(rng, down, 3)


_OPAQUE = [0] * 25 + [255] * 231
