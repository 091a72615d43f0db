"""The facts of a composition, drawn at random before it is rendered. Captions depend on nothing else."""

import random
from dataclasses import dataclass
from typing import TypedDict

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.products import Product, random_product
from brandpress.model.nano.world.scenes import Scene, random_scene

SLOTS = ("left", "centre", "right")
FOUR_SLOTS = ("left", "centre left", "centre right", "right")
"""The slots of four items."""
SCALES = ("tiny", "small", "normal", "large", "huge")
ARRANGEMENTS = ("row", "front", "stack")
"""row: side by side, in slot order. front: item 0 stands in front of item 1. stack: item 0 is on top of item 1."""
Box = tuple[int, int, int, int]


class ItemFacts(TypedDict):
    """One item. Colours are words; None if the item has no nameable colour.

    category: product, character, object, or thing. A thing has random shapes and textures: no word describes it, its
    noun may say anything, and it always has a reference. scale: one of SCALES.
    """

    slot: str
    noun: str
    category: str
    style: str
    colour: str | None
    pattern: str | None
    second: str | None
    logo: str | None
    logo_colour: str | None
    scale: str
    box: list[int]


class Facts(TypedDict):
    """A composition's facts, JSON-serialisable.

    items: in slot order; boxes are x0, y0, x1, y1 in pixels. arrangement: one of ARRANGEMENTS. banner: the words on a
    sign in the picture, None without one. scene_colour: a colour word or "#rrggbb".
    """

    width: int
    height: int
    items: list[ItemFacts]
    arrangement: str
    banner: str | None
    scene: str
    scene_colour: str | None
    grade: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item to draw: a product, or an artwork whose hues are rotated by `hue_shift` of 256."""

    subject: Product | Artwork
    hue_shift: int


def random_item(rng: random.Random, library: Library, *, held_out: bool = False) -> Item:
    """Returns a random product (45 %), character (35 %) or object (20 %); half of the emoji get a random hue shift."""
    roll = rng.random()
    if roll < 0.45:
        return Item(random_product(rng, held_out=held_out), 0)
    artwork = library.pick(rng, "character" if roll < 0.8 else "object", held_out=held_out)
    return Item(artwork, rng.randint(20, 236) if rng.random() < 0.5 else 0)


def random_items(
    rng: random.Random,
    library: Library,
    *,
    held_out: bool = False,
    count: int | None = None,
    products_only: bool = False,
) -> list[Item]:
    """Returns `count` random items with different nouns; by default 1, 2 or 3 with 30, 62 and 8 %.

    products_only: use no artwork.
    """
    size = count or rng.choices((1, 2, 3), (30, 62, 8))[0]
    items: list[Item] = []
    nouns: set[str] = set()
    while len(items) < size:
        item = (
            Item(random_product(rng, held_out=held_out), 0)
            if products_only
            else random_item(rng, library, held_out=held_out)
        )
        names = {item.subject.noun}
        if isinstance(item.subject, Product):
            names |= set(item.subject.nouns)
        if not names & nouns:
            nouns |= names
            items.append(item)
    return items


def random_look(rng: random.Random) -> str:
    """Returns a random look; "none" in 55 %."""
    return "none" if rng.random() < 0.55 else rng.choice(GRADES[1:])


def random_slots(rng: random.Random, count: int) -> tuple[str, ...]:
    """Returns the random slots of 1 to 3 items, from left to right."""
    if count == 3:
        return SLOTS
    if count == 2:
        return rng.choices((("left", "right"), ("left", "centre"), ("centre", "right")), (88, 6, 6))[0]
    return (rng.choices(("centre", "left", "right"), (70, 15, 15))[0],)


def item_facts(item: Item, slot: str, colour: str | None, box: Box) -> ItemFacts:
    """Returns the facts of an item. colour: an emoji's colour word after the hue shift; unused for products."""
    subject = item.subject
    if isinstance(subject, Product):
        return ItemFacts(
            slot=slot,
            noun=subject.noun,
            category="product",
            style="drawn",
            colour=subject.colour,
            pattern=subject.pattern,
            second=subject.second,
            logo=subject.logo,
            logo_colour=subject.logo_colour,
            scale="normal",
            box=list(box),
        )
    return ItemFacts(
        slot=slot,
        noun=subject.noun,
        category=subject.category,
        style=subject.style,
        colour=colour,
        pattern=None,
        second=None,
        logo=None,
        logo_colour=None,
        scale="normal",
        box=list(box),
    )


def scene_facts(width: int, height: int, items: list[ItemFacts], scene: Scene) -> Facts:
    """Returns a composition's facts."""
    return Facts(
        width=width,
        height=height,
        items=items,
        arrangement="row",
        banner=None,
        scene=scene.name,
        scene_colour=scene.colour,
        grade=scene.grade,
    )


def random_facts(rng: random.Random, library: Library) -> Facts:
    """Returns the random facts of a composition, for captions only: the boxes are empty."""
    items = random_items(rng, library)
    slots = random_slots(rng, len(items))
    rows = []
    for item, slot in zip(items, slots, strict=True):
        colour = item.subject.colour if item.hue_shift == 0 else rng.choice((None, "green", "magenta", "blue", "teal"))
        rows.append(item_facts(item, slot, colour, (0, 0, 0, 0)))
    return scene_facts(128, 128, rows, random_scene(rng, random_look(rng)))
