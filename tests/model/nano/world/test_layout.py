"""Positions and sizes of items."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from brandpress.model.nano.world.layout import (
    TOKEN,
    Span,
    across_span,
    aligned_position,
    down_span,
    item_size,
    position_near_middle,
    random_position,
    reference_span,
)

SLOTS = {1: ("left", "centre", "right"), 2: ("left", "right"), 3: ("left", "centre", "right")}
SIZES = [(128, 128), (160, 96), (96, 160), (256, 256)]


@pytest.mark.parametrize(
    ("length", "canvas", "span"),
    [(54, 64, Span(5, 5)), (40, 64, Span(5, 19)), (60, 64, Span(2, 2)), (64, 64, Span(0, 0)), (80, 128, Span(10, 38))],
)
def test_a_reference_has_a_margin_if_the_item_fits(length: int, canvas: int, span: Span) -> None:
    assert reference_span(length, canvas) == span


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", SLOTS)
def test_slots_are_ordered_and_inside_the_picture(width: int, height: int, count: int) -> None:
    length = item_size(random.Random(1), width, height, count, crowded=False)
    spans = [across_span(slot, count, length, width, crowded=False) for slot in SLOTS[count]]
    assert all(0 <= span.low <= span.high <= width - length for span in spans)
    assert all(one.high < other.low for one, other in pairwise(spans))


def test_an_item_is_about_52_pixels_of_128_and_smaller_among_three() -> None:
    rng = random.Random(1)
    assert all(50 <= item_size(rng, 128, 128, 2, crowded=False) <= 54 for _ in range(50))
    assert all(30 <= item_size(rng, 128, 128, 3, crowded=False) <= 128 / 3 for _ in range(50))
    assert all(item_size(rng, 128, 128, 2, crowded=True) <= 128 / 3 for _ in range(50))


@pytest.mark.parametrize("length", [20, 52, 90])
def test_items_stand_on_the_ground(length: int) -> None:
    span = down_span(length, 128)
    assert (span.low + length, span.high + length) == (round(0.8 * 128), round(0.92 * 128))


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
