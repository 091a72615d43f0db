"""Compositions: positions of their items, and their references."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from brandpress.model.nano.world.compose import Composition, assemble, compose
from brandpress.model.nano.world.facts import Plan, random_items
from brandpress.model.nano.world.layout import TOKEN
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Placed
from brandpress.model.nano.world.products import is_held_out

COUNT = 60
SQUARE = (256, 256)
# (width, height) -> the width and height of references
SIZES = {SQUARE: (128, 128), (128, 128): (64, 64), (320, 192): (160, 96), (192, 320): (96, 160)}


def drawn(library: Library, width: int, height: int, count: int = COUNT) -> list[Composition]:
    rng = random.Random(f"{width}x{height}")
    return [compose(rng, library, width, height, reference=SIZES[width, height]) for _ in range(count)]


@pytest.fixture(scope="module")
def square(library: Library) -> list[Composition]:
    return drawn(library, 256, 256, 100)


def same(one: Composition, other: Composition) -> bool:
    pictures = [
        (c.picture, c.scene_reference, *c.item_references, *filter(None, [c.style_reference])) for c in (one, other)
    ]
    return one.facts == other.facts and all(a.tobytes() == b.tobytes() for a, b in zip(*pictures, strict=True))


def is_copied(part: Placed, reference: np.ndarray) -> bool:
    """Returns whether a reference shows the identical drawing shifted by whole tokens, but for a camera's noise."""
    drawing = np.asarray(part.drawing).astype(int)
    height, width = drawing.shape[:2]
    opaque = drawing[..., 3] == 255
    for x in range(part.x % TOKEN, reference.shape[1] - width + 1, TOKEN):
        for y in range(part.y % TOKEN, reference.shape[0] - height + 1, TOKEN):
            difference = np.abs(reference[y : y + height, x : x + width] - drawing[..., :3])
            if difference[opaque].mean() <= 4:
                return True
    return False


@pytest.mark.parametrize("held_out", [False, True])
def test_compositions_depend_on_the_seed_only(library: Library, held_out: bool) -> None:
    one, other = (compose(random.Random(5), library, 256, 256, held_out=held_out) for _ in range(2))
    assert same(one, other)
    assert not same(one, compose(random.Random(6), library, 256, 256, held_out=held_out))


@pytest.mark.parametrize(
    ("width", "height"), [pytest.param(*size, marks=() if size == SQUARE else pytest.mark.slow) for size in SIZES]
)
def test_items_are_whole_ordered_and_apart_in_a_row(library: Library, width: int, height: int) -> None:
    for composition in drawn(library, width, height):
        facts = composition.facts
        assert composition.picture.size == (width, height)
        assert (facts["width"], facts["height"]) == (width, height)
        assert {picture.size for picture in composition.item_references} == {SIZES[width, height]}
        assert composition.scene_reference.size == SIZES[width, height]
        boxes = [item["box"] for item in facts["items"]]
        for (x0, y0, x1, y1), part in zip(boxes, composition.placed, strict=True):
            assert 0 < x0 < x1 < width
            assert 0 < y0 < y1 < height
            assert (x0, y0, x1 - x0, y1 - y0) == (part.x, part.y, *part.drawing.size)
            assert part.raised or 0.78 * height <= y1 <= 0.97 * height
        if facts["arrangement"] == "row":
            assert all(left[2] <= right[0] for left, right in pairwise(boxes))


def test_items_have_the_sizes_of_their_scales(square: list[Composition]) -> None:
    ranges = {
        "tiny": (0.1, 0.26),
        "small": (0.16, 0.4),
        "normal": (0.24, 0.57),
        "large": (0.4, 0.71),
        "huge": (0.55, 0.76),
    }
    for composition in square:
        items = composition.facts["items"]
        for item in items if len(items) < 3 and composition.facts["arrangement"] == "row" else ():
            x0, y0, x1, y1 = item["box"]
            least, most = ranges[item["scale"]]
            assert least * 256 <= max(x1 - x0, y1 - y0) <= most * 256, item


def test_the_item_in_front_is_lower_and_covers_less_than_a_quarter_of_the_other(library: Library) -> None:
    rng = random.Random(3)
    for _ in range(12):
        items = random_items(rng, library, count=2)
        plan = Plan(("left", "right"), ("normal", "normal"), "front", None)
        composition = compose(rng, library, 256, 256, items=items, plan=plan)
        front, back = (item["box"] for item in composition.facts["items"])
        assert composition.facts["arrangement"] == "front"
        assert front[3] > back[3] + 10
        assert 0.15 <= (front[2] - back[0]) / (back[2] - back[0]) <= 0.25


def test_the_item_on_top_touches_the_one_below(library: Library) -> None:
    rng = random.Random(3)
    for _ in range(12):
        items = random_items(rng, library, count=2)
        plan = Plan(("centre", "centre"), ("normal", "normal"), "stack", None)
        upper, lower = compose(rng, library, 256, 256, items=items, plan=plan).placed
        assert upper.raised
        assert not lower.raised
        assert max(upper.drawing.size) < max(lower.drawing.size)
        masks = np.zeros((2, 258, 258), bool)
        for mask, part in zip(masks, (upper, lower), strict=True):
            alpha = np.asarray(part.drawing)[..., 3] > 127
            mask[part.y : part.y + alpha.shape[0], part.x : part.x + alpha.shape[1]] = alpha
        assert 0 < (masks[0] & masks[1]).sum() < 0.2 * masks[0].sum()


def test_about_three_fifths_of_the_references_show_the_identical_drawing(square: list[Composition]) -> None:
    copied = [
        is_copied(part, np.asarray(reference).astype(int))
        for composition in square
        for part, reference in zip(composition.placed, composition.item_references, strict=True)
        if len(composition.placed) == 2 and not part.raised
    ]
    assert 0.5 < sum(copied) / len(copied) < 0.75


def test_the_scene_reference_is_the_scene_without_items(square: list[Composition]) -> None:
    whole = 0
    for composition in square:
        assert composition.picture.tobytes() == assemble(composition.background, composition.placed).tobytes()
        assert composition.picture.tobytes() != composition.background.tobytes()
        scene = np.asarray(composition.background.reduce(2)).astype(int)
        difference = np.abs(np.asarray(composition.scene_reference).astype(int) - scene)
        whole += bool(difference[48:].max() <= 1)  # a banner is above
    assert 0.8 < whole / len(square) < 0.98


def test_a_banner_is_in_the_facts_and_not_in_the_scene_reference(library: Library) -> None:
    rng, ratios = random.Random(3), []
    for _ in range(5):
        items = random_items(rng, library, count=1)
        composition = compose(rng, library, 256, 256, items=items, plan=Plan(("centre",), ("normal",), "row", "SALE"))
        assert composition.facts["banner"] == "SALE"
        assert composition.facts["items"][0]["box"][1] > 80
        scene = np.asarray(composition.scene_reference.resize((256, 256))).astype(int)
        difference = np.abs(np.asarray(composition.background).astype(int) - scene)
        ratios.append(difference[:85].mean() / difference[100:].mean())
    assert np.median(ratios) > 4
    small = compose(rng, library, 128, 128, plan=Plan(("centre",), ("normal",), "row", "SALE"), items=items)
    assert small.facts["banner"] is None, "it would not be legible"


def test_a_style_reference_shows_another_scene_and_requires_a_look(square: list[Composition]) -> None:
    for composition in square:
        style = composition.style_reference
        assert (style is None) == (composition.facts["grade"] == "none")
        if style is not None:
            assert style.size == (128, 128)
            difference = np.asarray(style).astype(int) - np.asarray(composition.scene_reference).astype(int)
            assert np.abs(difference).mean() > 3


@pytest.mark.slow
def test_held_out_subjects_appear_only_if_requested(library: Library) -> None:
    rng = random.Random(2)
    for held_out in (False, True):
        nouns = {work.noun for work in (library.held_out if held_out else library.seen)}
        items = [item for _ in range(40) for item in compose(rng, library, 96, 96, held_out=held_out).facts["items"]]
        for item in items:
            if item["category"] in ("character", "object"):
                assert item["noun"] in nouns
        patterns = {item["pattern"] for item in items if item["category"] == "product"}
        assert ("plain" in patterns) != held_out
    assert is_held_out("box", "dots")


def test_explicit_items_and_slots_are_used(library: Library) -> None:
    rng = random.Random(2)
    items = random_items(rng, library, count=2)
    facts = compose(rng, library, 256, 256, items=items, slots=("left", "centre")).facts
    assert [item["noun"] for item in facts["items"]] == [item.subject.noun for item in items]
    assert Counter(item["slot"] for item in facts["items"]) == {"left": 1, "centre": 1}
    assert (facts["arrangement"], facts["banner"]) == ("row", None)
