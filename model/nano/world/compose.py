"""Compositions: items in a scene, and the reference pictures of each item and of the scene."""

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
from brandpress.model.nano.world.placing import Placed, Size, cast_shadow, place_item
from brandpress.model.nano.world.scenes import random_scene


@dataclass(frozen=True, slots=True)
class Composition:
    """A picture with its facts and references.

    item_references: one for each item of `facts["items"]`. style_reference: another scene in the same look, None
    without a look. background, placed: the layers of the picture.
    """

    picture: Image.Image
    facts: Facts
    item_references: tuple[Image.Image, ...]
    scene_reference: Image.Image
    style_reference: Image.Image | None
    background: Image.Image
    placed: tuple[Placed, ...]


def assemble(background: Image.Image, placed: tuple[Placed, ...]) -> Image.Image:
    """Returns the background with all shadows and then all items pasted."""
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
    *,
    held_out: bool = False,
    reference: Size = (64, 64),
    items: list[Item] | None = None,
    slots: tuple[str, ...] | None = None,
) -> Composition:
    """Returns a random composition of `width` x `height` pixels.

    held_out: use only artwork and products that training never shows. reference: width and height of the references;
    if the picture has four times their area, references show items at the picture's scale. items, slots: random by
    default.
    """
    subjects = items if items is not None else random_items(rng, library, held_out=held_out)
    positions = slots if slots is not None else random_slots(rng, len(subjects))
    crowded = len(subjects) == 2 and "centre" in positions
    scene = random_scene(rng, random_look(rng))
    background = scene.draw(width, height)
    size = item_size(rng, width, height, len(subjects), crowded=crowded)
    placed: list[Placed] = []
    rows: list[ItemFacts] = []
    references: list[Image.Image] = []
    for item, slot in zip(subjects, positions, strict=True):
        part, picture, row = place_item(
            rng, item, slot, size, (width, height), len(subjects), reference, crowded=crowded
        )
        placed.append(part)
        references.append(picture)
        rows.append(row)
    same_aspect = width * reference[1] == height * reference[0] and width >= reference[0]
    scene_reference = background.resize(reference, Image.Resampling.BOX) if same_aspect else scene.draw(*reference)
    style_reference = None
    if scene.grade != "none":
        style_reference = random_scene(rng, scene.grade, exclude=scene.name).draw(*reference)
    return Composition(
        picture=assemble(background, tuple(placed)),
        facts=scene_facts(width, height, rows, scene),
        item_references=tuple(references),
        scene_reference=scene_reference,
        style_reference=style_reference,
        background=background,
        placed=tuple(placed),
    )
