"""The facts of a composition, drawn at random before it is rendered. Captions depend on nothing else."""

import random
from dataclasses import dataclass
from typing import TypedDict

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.banner import random_words
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.products import Product, random_product
from brandpress.model.nano.world.scenes import Scene, random_scene
from brandpress.model.nano.world.things import Thing, random_thing

SLOTS = ("left", "centre", "right")
FOUR_SLOTS = ("left", "centre left", "centre right", "right")
"""The slots of four items."""
SCALES = ("tiny", "small", "normal", "large", "huge")
ARRANGEMENTS = ("row", "front", "stack")
"""row: side by side, in slot order. front: item 0, on the left, stands in front of item 1, which is further back and
partly covered. stack: item 0 is on top of item 1."""
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
    """One item to draw: a product, a thing, or an artwork whose hues are rotated by `hue_shift` of 256."""

    subject: Product | Artwork | Thing
    hue_shift: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a composition arranges: the slots and scales of its items in order, the arrangement and a banner's words."""

    slots: tuple[str, ...]
    scales: tuple[str, ...]
    arrangement: str = "row"
    banner: str | None = None


def random_item(rng: random.Random, library: Library, *, held_out: bool = False, things: bool = True) -> Item:
    """Returns a random thing (25 %), product (30 %), character (27 %) or object (18 %).

    Half of the artworks get a random hue shift. things: without things, the other shares grow in proportion.
    """
    category = rng.choices(("thing", "product", "character", "object"), (25 if things else 0, 30, 27, 18))[0]
    if category == "thing":
        return Item(random_thing(rng), 0)
    if category == "product":
        return Item(random_product(rng, held_out=held_out), 0)
    artwork = library.pick(rng, category, held_out=held_out)
    return Item(artwork, rng.randint(20, 236) if rng.random() < 0.5 else 0)


def random_items(
    rng: random.Random,
    library: Library,
    *,
    held_out: bool = False,
    count: int | None = None,
    products_only: bool = False,
    things: bool = True,
) -> list[Item]:
    """Returns `count` random items with different nouns; by default 1 to 4 with 22, 58, 13 and 7 %.

    products_only: use no artwork and no things.
    """
    size = count or rng.choices((1, 2, 3, 4), (22, 58, 13, 7))[0]
    items: list[Item] = []
    nouns: set[str] = set()
    while len(items) < size:
        item = (
            Item(random_product(rng, held_out=held_out), 0)
            if products_only
            else random_item(rng, library, held_out=held_out, things=things)
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
    """Returns the random slots of 1 to 4 items, from left to right."""
    if count == 4:
        return FOUR_SLOTS
    if count == 3:
        return SLOTS
    if count == 2:
        return rng.choices((("left", "right"), ("left", "centre"), ("centre", "right")), (88, 6, 6))[0]
    return (rng.choices(("centre", "left", "right"), (70, 15, 15))[0],)


def random_scales(rng: random.Random, slots: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the random scales of items in a row; all are normal in 75 %.

    A large or huge item is alone or beside a smaller one, so that no item covers another.
    """
    count = len(slots)
    if rng.random() < 0.75:
        return ("normal",) * count
    if count == 1:
        return (rng.choices(("tiny", "small", "large", "huge"), (20, 25, 25, 30))[0],)
    if count == 2 and "centre" not in slots:
        pair = rng.choices(_PAIRS, (22, 18, 18, 16, 14, 12))[0]
        return pair if rng.random() < 0.5 else pair[::-1]
    scales = ["normal"] * count
    scales[rng.randrange(count)] = rng.choice(("small", "tiny"))
    return tuple(scales)


_PAIRS = (("normal", "small"), ("normal", "tiny"), ("large", "small"), ("large", "tiny"), ("huge", "small"),
          ("huge", "tiny"))  # fmt: skip


def random_plan(rng: random.Random, count: int) -> Plan:
    """Returns the random plan of 1 to 4 items: 5 % of the pairs are in front, 5 % stacked; 12 % have a banner."""
    arrangement = rng.choices(ARRANGEMENTS, (90, 5, 5))[0] if count == 2 else "row"
    banner = random_words(rng) if rng.random() < 0.135 else None
    if arrangement != "row":
        front = arrangement == "front"
        sides = ("left", "right") if front else ("centre", "centre")
        return Plan(sides, ("normal", "normal"), arrangement, banner if front else None)
    slots = random_slots(rng, count)
    scales = random_scales(rng, slots)
    return Plan(slots, scales, arrangement, None if "huge" in scales or scales == ("large",) else banner)


def item_facts(item: Item, slot: str, colour: str | None, box: Box, scale: str = "normal") -> ItemFacts:
    """Returns the facts of an item. colour: an artwork's colour word after the hue shift; unused for others."""
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
            scale=scale,
            box=list(box),
        )
    artwork = isinstance(subject, Artwork)
    return ItemFacts(
        slot=slot,
        noun=subject.noun,
        category=subject.category if isinstance(subject, Artwork) else "thing",
        style=subject.style if isinstance(subject, Artwork) else "drawn",
        colour=colour if artwork else None,
        pattern=None,
        second=None,
        logo=None,
        logo_colour=None,
        scale=scale,
        box=list(box),
    )


def scene_facts(
    width: int,
    height: int,
    items: list[ItemFacts],
    scene: Scene,
    *,
    arrangement: str = "row",
    banner: str | None = None,
) -> Facts:
    """Returns a composition's facts."""
    return Facts(
        width=width,
        height=height,
        items=items,
        arrangement=arrangement,
        banner=banner,
        scene=scene.name,
        scene_colour=scene.colour,
        grade=scene.grade,
    )


def random_facts(rng: random.Random, library: Library) -> Facts:
    """Returns the random facts of a composition, for captions only: the boxes are empty."""
    items = random_items(rng, library)
    plan = random_plan(rng, len(items))
    rows = []
    for item, slot, scale in zip(items, plan.slots, plan.scales, strict=True):
        colour = None
        if isinstance(item.subject, Artwork):
            shifted = rng.choice((None, "green", "magenta", "blue", "teal"))
            colour = item.subject.colour if item.hue_shift == 0 else shifted
        rows.append(item_facts(item, slot, colour, (0, 0, 0, 0), scale))
    scene = random_scene(rng, random_look(rng))
    return scene_facts(256, 256, rows, scene, arrangement=plan.arrangement, banner=plan.banner)
