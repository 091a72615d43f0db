"""Places of items."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from model.nano.world.layout import TOKEN, Span, across_span, aligned, down_span, item_size, pick, reference_span

SLOTS = {1: ("left", "centre", "right"), 2: ("left", "right"), 3: ("left", "centre", "right")}
SIZES = [(128, 128), (160, 96), (96, 160), (256, 256)]


@pytest.mark.parametrize(
    ("length", "canvas", "span"),
    [(54, 64, Span(5, 5)), (40, 64, Span(5, 19)), (60, 64, Span(2, 2)), (64, 64, Span(0, 0)), (80, 128, Span(10, 38))],
)
def test_a_reference_keeps_a_margin_where_it_can(length: int, canvas: int, span: Span) -> None:
    assert reference_span(length, canvas) == span


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("count", SLOTS)
def test_slots_lie_from_left_to_right_inside_the_picture(width: int, height: int, count: int) -> None:
    length = item_size(random.Random(1), width, height, count, crowded=False)
    spans = [across_span(slot, count, False, length, width) for slot in SLOTS[count]]
    assert all(0 <= span.low <= span.high <= width - length for span in spans)
    assert all(one.high < other.low for one, other in pairwise(spans))


def test_an_item_fills_about_52_pixels_of_128_and_less_where_three_stand() -> None:
    rng = random.Random(1)
    assert all(50 <= item_size(rng, 128, 128, 2, crowded=False) <= 54 for _ in range(50))
    assert all(30 <= item_size(rng, 128, 128, 3, crowded=False) <= 128 / 3 for _ in range(50))
    assert all(item_size(rng, 128, 128, 2, crowded=True) <= 128 / 3 for _ in range(50))


@pytest.mark.parametrize("length", [20, 52, 90])
def test_items_stand_on_the_ground(length: int) -> None:
    span = down_span(length, 128)
    assert (span.low + length, span.high + length) == (round(0.8 * 128), round(0.92 * 128))


@pytest.mark.parametrize("seed", range(20))
def test_aligned_positions_differ_by_whole_tokens_within_both_spans(seed: int) -> None:
    picture, reference = Span(seed, seed + 9), Span(5, 9)
    found = aligned(random.Random(seed), picture, reference)
    possible = {
        (at, inside)
        for at in range(picture.low, picture.high + 1)
        for inside in range(reference.low, reference.high + 1)
        if (at - inside) % TOKEN == 0
    }
    assert found in possible if possible else found is None


def test_positions_are_drawn_from_the_whole_span() -> None:
    rng = random.Random(1)
    assert {pick(rng, Span(3, 6)) for _ in range(100)} == {3, 4, 5, 6}
