"""Compositions: items in a scene, and the reference pictures of each item and of the scene."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from brandpress.model.nano.world.banner import SMALLEST_PICTURE, draw_banner
from brandpress.model.nano.world.facts import (
    Facts,
    Item,
    Plan,
    item_facts,
    random_items,
    random_look,
    random_plan,
    scene_facts,
)
from brandpress.model.nano.world.layout import Place, Span, back_place, base_place, front_place, row_places
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Placed, Size, Spans, cast_shadow, place_item
from brandpress.model.nano.world.scenes import Scene, random_scene

_SHADOW = 0.75
_STACKED = 0.66
"""The longer side of a stacked item, as a share of the one below it."""


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with its facts and references.

    item_references: one for each item of `facts["items"]`. style_reference: another scene in the same look, None
    without a look. background (with the banner, if there is one), placed: the layers of the picture.
    """

    picture: Image.Image
    facts: Facts
    item_references: tuple[Image.Image, ...]
    scene_reference: Image.Image
    style_reference: Image.Image | None
    background: Image.Image
    placed: tuple[Placed, ...]


def assemble(background: Image.Image, placed: tuple[Placed, ...]) -> Image.Image:
    """Returns the background with all shadows and then all items pasted, from back to front."""
    picture = background.copy()
    grounded = sorted((part for part in placed if not part.raised), key=lambda part: part.y + part.drawing.height)
    for part in grounded:
        cast_shadow(picture, part.drawing, part.x, part.y, _SHADOW)
    for part in grounded:
        picture.paste(part.drawing, (part.x, part.y), part.drawing)
    for part in placed:
        if part.raised:
            shadowed = picture.copy()
            cast_shadow(shadowed, part.drawing, part.x, part.y, _SHADOW / 2)
            for below in grounded:
                box = (below.x, below.y, below.x + below.drawing.width, below.y + below.drawing.height)
                picture.paste(shadowed.crop(box), box, below.drawing.getchannel("A"))
            picture.paste(part.drawing, (part.x, part.y), part.drawing)
    return picture


def compose(
    rng: random.Random,
    library: Library,
    width: int,
    height: int,
    *,
    held_out: bool = False,
    reference: Size = (128, 128),
    items: list[Item] | None = None,
    slots: tuple[str, ...] | None = None,
    plan: Plan | None = None,
) -> Composition:
    """Returns a random composition of `width` x `height` pixels.

    held_out: use only artwork and products that training never shows. reference: width and height of the references.
    items, plan: random by default. slots: short for the plan of a row of normal items without a banner.
    """
    subjects = items if items is not None else random_items(rng, library, held_out=held_out)
    if plan is None:
        plan = random_plan(rng, len(subjects)) if slots is None else Plan(slots, ("normal",) * len(slots))
    if min(width, height) < SMALLEST_PICTURE:
        plan = replace(plan, banner=None)
    scene = random_scene(rng, random_look(rng))
    background = scene.draw(width, height)
    scene_reference = _scene_reference(rng, scene, background, reference)
    if plan.banner:
        background = draw_banner(rng, background, plan.banner)
    placed, references, colours = _arranged(rng, subjects, plan, (width, height), reference)
    rows = [
        item_facts(item, slot, colour, _box(part), scale)
        for item, slot, scale, colour, part in zip(subjects, plan.slots, plan.scales, colours, placed, strict=True)
    ]
    style_reference = None
    if scene.grade != "none":
        style_reference = random_scene(rng, scene.grade, exclude=scene.name).draw(*reference)
    return Composition(
        picture=assemble(background, placed),
        facts=scene_facts(width, height, rows, scene, arrangement=plan.arrangement, banner=plan.banner),
        item_references=references,
        scene_reference=scene_reference,
        style_reference=style_reference,
        background=background,
        placed=placed,
    )


def _scene_reference(rng: random.Random, scene: Scene, background: Image.Image, reference: Size) -> Image.Image:
    """Returns the scene at the reference's size; in 10 % only a part of it."""
    width, height = background.size
    same_aspect = width * reference[1] == height * reference[0] and width >= reference[0]
    if same_aspect and rng.random() < 0.1:
        part = rng.uniform(0.7, 0.92)
        x, y = rng.uniform(0, 1 - part) * width, rng.uniform(0, 1 - part) * height
        return background.resize(reference, Image.Resampling.BOX, (x, y, x + part * width, y + part * height))
    return background.resize(reference, Image.Resampling.BOX) if same_aspect else scene.draw(*reference)


def _box(part: Placed) -> tuple[int, int, int, int]:
    return part.x, part.y, part.x + part.drawing.width, part.y + part.drawing.height


_Arranged = tuple[tuple[Placed, ...], tuple[Image.Image, ...], tuple[str | None, ...]]
"""Of each item: the drawing in the picture, the reference and the colour word."""


def _arranged(rng: random.Random, items: list[Item], plan: Plan, shape: Size, canvas: Size) -> _Arranged:
    width, height = shape

    def put(item: Item, place: Place, spans: Spans | None = None) -> tuple[Placed, Image.Image, str | None]:
        return place_item(rng, item, place.size, spans or _spans(place), canvas)

    if plan.arrangement == "front":
        back = put(items[1], back_place(rng, width, height))
        front = put(items[0], front_place(rng, width, height, _box(back[0])))
        parts = [front, back]
    elif plan.arrangement == "stack":
        base = put(items[1], base_place(rng, width, height))
        below = base[0]
        length = _STACKED * max(below.drawing.size)
        middle = below.x + below.drawing.width / 2
        place = Place(middle, 1, width - 1, length, below.y, 0)
        upper, shown, colour = put(items[0], place, lambda drawing: _on_top(drawing, below, width))
        parts = [(Placed(upper.drawing, upper.x, upper.y, raised=True), shown, colour), base]
    else:
        places = row_places(rng, width, height, plan.slots, plan.scales, low=plan.banner is not None)
        parts = [put(item, place) for item, place in zip(items, places, strict=True)]
    placed, references, colours = zip(*parts, strict=True)
    return placed, references, colours


def _spans(place: Place) -> Callable[[Image.Image], tuple[Span, Span]]:
    return lambda drawing: (place.across(drawing.width), place.down(drawing.height))


def _on_top(drawing: Image.Image, below: Placed, width: int) -> tuple[Span, Span]:
    """Returns the only position where a drawing touches the one below it, above the highest part of its middle."""
    tops = np.asarray(below.drawing.getchannel("A")) > 127
    columns = np.flatnonzero(tops.any(0))
    first = tops.argmax(0)
    near = columns[np.abs(columns - tops.shape[1] / 2) <= 0.3 * tops.shape[1]]
    peak = int(near[first[near] <= first[near].min() + max(1, tops.shape[0] // 40)].mean())
    x = min(max(1, below.x + peak - drawing.width // 2), width - 1 - drawing.width)
    left, right = max(0, x - below.x), min(tops.shape[1], x + drawing.width - below.x)
    lower = np.asarray(drawing.getchannel("A"))[:, left + below.x - x : right + below.x - x] > 127
    bottoms = lower.shape[0] - lower[::-1].argmax(0)
    touching = lower.any(0) & tops[:, left:right].any(0)
    gap = int((first[left:right] - bottoms)[touching].min()) if touching.any() else -drawing.height
    y = max(1, below.y + gap + max(1, drawing.height // 40))
    return Span(x, x), Span(y, y)
