"""Compositions: positions of their items, and their references."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from brandpress.model.nano.world.compose import Composition, assemble, compose
from brandpress.model.nano.world.facts import random_items
from brandpress.model.nano.world.layout import TOKEN
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Placed
from brandpress.model.nano.world.products import is_held_out

COUNT = 120
# (width, height) -> the maximum overlap of two neighbouring boxes in pixels; slots of a 96-pixel picture are narrow
OVERLAPS = {(128, 128): 5, (160, 96): 5, (96, 160): 6}


def drawn(library: Library, width: int, height: int, count: int = COUNT) -> list[Composition]:
    rng = random.Random(f"{width}x{height}")
    return [compose(rng, library, width, height) for _ in range(count)]


@pytest.fixture(scope="module")
def square(library: Library) -> list[Composition]:
    return drawn(library, 128, 128)


def same(one: Composition, other: Composition) -> bool:
    pictures = [
        (c.picture, c.scene_reference, *c.item_references, *filter(None, [c.style_reference])) for c in (one, other)
    ]
    return one.facts == other.facts and all(a.tobytes() == b.tobytes() for a, b in zip(*pictures, strict=True))


def is_copied(part: Placed, reference: np.ndarray) -> bool:
    """Returns whether a reference shows the identical drawing shifted by whole tokens (opaque pixels, to one level)."""
    drawing = np.asarray(part.drawing).astype(int)
    height, width = drawing.shape[:2]
    opaque = drawing[..., 3] == 255
    for x in range(part.x % TOKEN, reference.shape[1] - width + 1, TOKEN):
        for y in range(part.y % TOKEN, reference.shape[0] - height + 1, TOKEN):
            difference = np.abs(reference[y : y + height, x : x + width] - drawing[..., :3])
            if difference[opaque].max() <= 1:
                return True
    return False


@pytest.mark.parametrize("held_out", [False, True])
def test_compositions_depend_on_the_seed_only(library: Library, held_out: bool) -> None:
    one, other = (compose(random.Random(5), library, 128, 128, held_out=held_out) for _ in range(2))
    assert same(one, other)
    assert not same(one, compose(random.Random(6), library, 128, 128, held_out=held_out))


@pytest.mark.parametrize(("width", "height"), OVERLAPS)
def test_items_are_inside_the_picture_ordered_and_apart(library: Library, width: int, height: int) -> None:
    for composition in drawn(library, width, height):
        assert composition.picture.size == (width, height)
        assert (composition.facts["width"], composition.facts["height"]) == (width, height)
        boxes = [item["box"] for item in composition.facts["items"]]
        for (x0, y0, x1, y1), part in zip(boxes, composition.placed, strict=True):
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert (x0, y0, x1 - x0, y1 - y0) == (part.x, part.y, *part.drawing.size)
        for left, right in pairwise(boxes):
            assert left[0] + left[2] < right[0] + right[2]
            assert left[2] - right[0] <= OVERLAPS[width, height]


def test_items_stand_on_the_ground_and_have_the_right_size(square: list[Composition]) -> None:
    for composition in square:
        for item in composition.facts["items"]:
            x0, y0, x1, y1 = item["box"]
            assert 0.75 * 128 <= y1 <= 0.97 * 128
            assert 0.25 * 128 <= max(x1 - x0, y1 - y0) <= 0.55 * 128


def test_references_are_small_and_the_item_fills_most_of_them(square: list[Composition]) -> None:
    for composition in square:
        assert len(composition.item_references) == len(composition.facts["items"])
        for reference in composition.item_references:
            assert reference.size == (64, 64)
            pixels = np.asarray(reference).astype(int)
            ys, xs = np.nonzero(np.abs(pixels - pixels[0, 0]).max(-1) > 4)
            assert 36 <= max(np.ptp(xs), np.ptp(ys)) + 1 <= 63


def test_about_three_quarters_of_the_references_show_the_identical_drawing(square: list[Composition]) -> None:
    copied = [
        is_copied(part, np.asarray(reference).astype(int))
        for composition in square
        for part, reference in zip(composition.placed, composition.item_references, strict=True)
    ]
    assert 0.65 < sum(copied) / len(copied) < 0.85


def test_the_scene_reference_is_the_scene_without_items(square: list[Composition]) -> None:
    for composition in square:
        expected = np.asarray(composition.background.reduce(2)).astype(int)
        assert np.abs(np.asarray(composition.scene_reference).astype(int) - expected).max() <= 1
        assert composition.picture.tobytes() == assemble(composition.background, composition.placed).tobytes()
        assert composition.picture.tobytes() != composition.background.tobytes()


def test_a_style_reference_shows_another_scene_and_requires_a_look(square: list[Composition]) -> None:
    for composition in square:
        style = composition.style_reference
        assert (style is None) == (composition.facts["grade"] == "none")
        if style is not None:
            assert style.size == (64, 64)
            difference = np.asarray(style).astype(int) - np.asarray(composition.scene_reference).astype(int)
            assert np.abs(difference).mean() > 3


def test_held_out_subjects_appear_only_if_requested(library: Library) -> None:
    rng = random.Random(2)
    for held_out in (False, True):
        nouns = {work.noun for work in (library.held_out if held_out else library.seen)}
        items = [item for _ in range(40) for item in compose(rng, library, 96, 96, held_out=held_out).facts["items"]]
        for item in items:
            if item["category"] != "product":
                assert item["noun"] in nouns
        patterns = {item["pattern"] for item in items if item["category"] == "product"}
        assert ("plain" in patterns) != held_out
    assert is_held_out("box", "dots")


def test_explicit_items_and_slots_are_used(library: Library) -> None:
    rng = random.Random(2)
    items = random_items(rng, library, count=2)
    composition = compose(rng, library, 128, 128, items=items, slots=("left", "centre"))
    assert [item["noun"] for item in composition.facts["items"]] == [item.subject.noun for item in items]
    assert [item["slot"] for item in composition.facts["items"]] == ["left", "centre"]
