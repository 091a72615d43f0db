"""Fixed evaluation cases: two items with references, one scene reference and an explicit caption."""

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model.nano.world.captions import Caption, explicit_caption
from brandpress.model.nano.world.compose import Composition, assemble, compose
from brandpress.model.nano.world.facts import random_items
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Placed

CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluation case.

    references: the pictures in the order of `caption.references`. swapped: the target with its two items exchanged.
    masks: bool (height, width), the pixels of item 0 and item 1 in `target`.
    candidates: CANDIDATES crops of 64 x 64 pixels that show different items at item 0's position.
    second_candidates: the same items at item 1's position. answers: the indices of the case's own items in both.
    """

    composition: Composition
    caption: Caption
    references: tuple[Image.Image, ...]
    target: Image.Image
    swapped: Image.Image
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    candidates: tuple[Image.Image, ...]
    second_candidates: tuple[Image.Image, ...]
    answers: tuple[int, int]


def mask_of(part: Placed, width: int, height: int) -> NDArray[np.bool_]:
    """Returns the pixels (bool, height x width) that a pasted drawing covers with an alpha above one half."""
    canvas = Image.new("L", (width, height))
    canvas.paste(part.drawing.getchannel("A"), (part.x, part.y))
    mask: NDArray[np.bool_] = np.asarray(canvas) > 127
    return mask


def swap_positions(first: Placed, second: Placed, width: int) -> tuple[Placed, Placed]:
    """Returns both drawings with their positions exchanged: horizontal centres and ground lines, inside the picture."""

    def moved(part: Placed, to: Placed) -> Placed:
        x = to.x + to.drawing.width // 2 - part.drawing.width // 2
        y = to.y + to.drawing.height - part.drawing.height
        return Placed(part.drawing, max(0, min(width - part.drawing.width, x)), max(0, y))

    return moved(first, second), moved(second, first)


def fixed_cases(
    library: Library,
    count: int,
    seed: int,
    *,
    held_out: bool = False,
    width: int = 128,
    height: int = 128,
    products_only: bool = False,
) -> list[Case]:
    """Returns `count` cases, which depend on the library and the seed only. `products_only` needs no artwork."""
    rng = random.Random(seed)
    compositions: list[Composition] = []
    for _ in range(count):
        items = random_items(rng, library, held_out=held_out, count=2, products_only=products_only)
        compositions.append(
            compose(rng, library, width, height, held_out=held_out, items=items, slots=("left", "right"))
        )
    parts = [part for composition in compositions for part in composition.placed]
    return [_case(rng, index, composition, parts) for index, composition in enumerate(compositions)]


def _case(rng: random.Random, index: int, composition: Composition, parts: list[Placed]) -> Case:
    width, height = composition.picture.size
    order = ["item0", "item1", "scene"]
    rng.shuffle(order)
    pictures = {
        "item0": composition.item_references[0],
        "item1": composition.item_references[1],
        "scene": composition.scene_reference,
    }
    first, second = composition.placed
    other_first, other_second = swap_positions(first, second, width)
    own = [2 * index, 2 * index + 1]
    others = [at for at in range(len(parts)) if at not in own]
    candidates = own + rng.sample(others, min(CANDIDATES - 2, len(others)))
    rng.shuffle(candidates)
    return Case(
        composition=composition,
        caption=explicit_caption(composition.facts, tuple(order)),
        references=tuple(pictures[name] for name in order),
        target=composition.picture,
        swapped=assemble(composition.background, (other_first, other_second)),
        masks=(mask_of(first, width, height), mask_of(second, width, height)),
        candidates=tuple(candidate_crop(composition.background, first, parts[at]) for at in candidates),
        second_candidates=tuple(candidate_crop(composition.background, second, parts[at]) for at in candidates),
        answers=(candidates.index(own[0]), candidates.index(own[1])),
    )


def candidate_crop(background: Image.Image, place: Placed, part: Placed) -> Image.Image:
    """Returns the 64 x 64 crop around `place`, with the drawing of `part` there instead."""
    x = place.x + place.drawing.width // 2
    ground = place.y + place.drawing.height
    shown = Placed(part.drawing, x - part.drawing.width // 2, ground - part.drawing.height)
    return assemble(background, (shown,)).crop(crop_box(place))


def crop_box(place: Placed, side: int = 64) -> tuple[int, int, int, int]:
    """Returns the square box of `side` pixels around a drawing; 1/16 of the side is below the drawing's lower edge."""
    x = place.x + place.drawing.width // 2
    ground = place.y + place.drawing.height
    below = side // 16
    return (x - side // 2, ground + below - side, x - side // 2 + side, ground + below)
