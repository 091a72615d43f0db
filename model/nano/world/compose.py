"""Compositions: items standing in a scene, and the reference pictures that show each by itself."""

import random
from dataclasses import dataclass

from PIL import Image

from brandpress.model.nano.world.facts import (
    Facts,
    Item,
    ItemFacts,
    random_items,
    random_look,
    random_slots,
    scene_facts,
)
from brandpress.model.nano.world.layout import item_size
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Placed, Size, cast_shadow, place
from brandpress.model.nano.world.scenes import random_scene


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
        part, picture, row = place(rng, item, slot, size, (width, height), len(chosen), crowded, reference)
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
