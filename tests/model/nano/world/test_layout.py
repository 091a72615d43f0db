"""Positions and sizes of items."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from brandpress.model.nano.world.facts import FOUR_SLOTS
from brandpress.model.nano.world.layout import (
    TOKEN,
    Span,
    aligned_position,
    back_place,
    base_place,
    front_place,
    position_near_middle,
    random_position,
    reference_span,
    row_places,
)

SLOTS = {1: ("centre",), 2: ("left", "right"), 3: ("left", "centre", "right"), 4: FOUR_SLOTS}
SIZES = [(256, 256), (128, 128), (320, 192), (192, 320), (512, 256), (192, 384)]


@pytest.mark.parametrize(
    ("length", "canvas", "span"),
    [
        (100, 128, Span(4, 24)),
        (40, 64, Span(2, 22)),
        (124, 128, Span(2, 2)),
        (64, 64, Span(0, 0)),
        (80, 64, Span(0, 0)),
    ],
)
def test_a_reference_has_a_margin_if_the_item_fits(length: int, canvas: int, span: Span) -> None:
    assert reference_span(length, canvas) == span


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", SLOTS)
def test_items_of_a_row_are_ordered_apart_and_inside_the_picture(width: int, height: int, count: int) -> None:
    places = row_places(random.Random(1), width, height, SLOTS[count], ("normal",) * count)
    for shape in ((100, 100), (100, 60), (40, 100)):
        edges = []
        for place in places:
            size = place.size(shape)
            wide, tall = (round(size * side / max(shape)) for side in shape)
            across, down = place.across(wide), place.down(tall)
            assert 1 <= across.low <= across.high <= width - wide - 1
            assert 1 <= down.low <= down.high < height - tall
            assert 0.8 * height <= down.low + tall <= down.high + tall <= 0.93 * height
            edges.append((across.low, across.high + wide))
        assert all(one[1] <= other[0] for one, other in pairwise(edges))


@pytest.mark.parametrize(("count", "least", "most"), [(1, 0.45, 0.6), (2, 0.4, 0.46), (3, 0.3, 0.36), (4, 0.2, 0.3)])
def test_normal_items_have_the_size_for_their_number(count: int, least: float, most: float) -> None:
    rng = random.Random(1)
    for _ in range(20):
        for place in row_places(rng, 256, 256, SLOTS[count], ("normal",) * count):
            assert least * 256 <= place.size((100, 100)) <= most * 256


def test_scales_change_the_size_and_a_huge_item_takes_more_of_the_width() -> None:
    def sizes(*scales: str) -> list[float]:
        slots = SLOTS[len(scales)]
        return [place.size((60, 100)) / 256 for place in row_places(random.Random(1), 256, 256, slots, scales)]

    normal = sizes("normal", "normal")[0]
    assert sizes("tiny", "small") == pytest.approx([0.45 * normal, 0.7 * normal], abs=0.01)
    assert sizes("large", "tiny")[0] == pytest.approx(1.25 * normal, abs=0.01)
    assert sizes("huge") == pytest.approx([0.75], abs=0.01)
    huge, tiny = row_places(random.Random(1), 256, 256, SLOTS[2], ("huge", "tiny"))
    assert huge.high < tiny.low
    assert 150 <= huge.size((100, 100)) <= 170


def test_a_banner_leaves_less_height() -> None:
    (place,) = row_places(random.Random(1), 256, 256, ("centre",), ("large",), low=True)
    assert place.length <= 0.5 * 256


def test_the_front_item_is_lower_and_covers_a_part_of_the_other_from_the_left() -> None:
    rng = random.Random(1)
    back = back_place(rng, 256, 256)
    x, y = back.across(100).middle, back.down(100).middle
    front = front_place(rng, 256, 256, (x, y, x + 100, y + 100))
    size = front.size((100, 100))
    assert front.across(size) == Span(x + 22 - size, x + 22 - size)
    assert front.down(size).low + size == round(y + 100 + 0.09 * 256)
    assert base_place(rng, 256, 256).centre == 128


@pytest.mark.parametrize("at", range(5, 25))
def test_an_aligned_position_is_whole_tokens_away_and_nearest_the_middle(at: int) -> None:
    position = aligned_position(at, Span(60, 70))
    assert (position - at) % TOKEN == 0
    assert abs(position - 65) <= TOKEN / 2


def test_positions_near_the_middle_stay_in_the_span() -> None:
    rng = random.Random(1)
    assert {position_near_middle(rng, Span(0, 20), 2) for _ in range(200)} == {8, 9, 10, 11, 12}
    assert {position_near_middle(rng, Span(5, 7), 3) for _ in range(200)} == {5, 6, 7}
    assert position_near_middle(rng, Span(4, 4), 3) == 4


def test_positions_are_drawn_from_the_whole_span() -> None:
    rng = random.Random(1)
    assert {random_position(rng, Span(3, 6)) for _ in range(100)} == {3, 4, 5, 6}
    assert Span(3, 6).holds(6)
    assert not Span(3, 6).holds(7)
