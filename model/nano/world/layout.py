"""Positions and sizes of items in the picture and in their references."""

import random
from dataclasses import dataclass

TOKEN = 16
"""Pixels per side of a transformer token."""
_CENTRES = {
    (1, "left"): (0.24, 0.36), (1, "centre"): (0.43, 0.57), (1, "right"): (0.64, 0.76),
    (2, "left"): (0.22, 0.28), (2, "centre"): (0.5, 0.54), (2, "right"): (0.72, 0.78),
    (3, "left"): (0.165, 0.18), (3, "centre"): (0.48, 0.52), (3, "right"): (0.82, 0.835),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """The range of positions of an item's left or upper edge, both ends included."""

    low: int
    high: int


def item_size(rng: random.Random, width: int, height: int, count: int, *, crowded: bool) -> int:
    """Returns the random length in pixels of an item's longer side.

    It is about 52 for a picture whose shorter side is 128, and less if slots are narrow. crowded: use the slots of
    three items, because two items include one in the centre.
    """
    unit = max(1.0, min(width, height) / 128)
    slots = 3 if crowded or count == 3 else count
    return round(min(rng.uniform(50, 54) * unit, width / slots - 2.5 * unit, height * 0.6))


def reference_span(length: int, canvas: int) -> Span:
    """Returns the positions of an item of this length in a reference of length `canvas`.

    The margin is 5 pixels of 64; an item that is too long for it is centred.
    """
    margin = round(canvas * 5 / 64)
    low, high = margin, canvas - margin - length
    if high >= low:
        return Span(low, high)
    return Span(max(0, (canvas - length) // 2), max(0, (canvas - length) // 2))


def across_span(slot: str, count: int, length: int, width: int, *, crowded: bool) -> Span:
    """Returns the horizontal positions of an item inside its slot and the picture."""
    low, high = _CENTRES[(3 if crowded else count, slot)]
    unit = max(1, round(width / 128))
    first = max(unit, round(low * width - length / 2))
    last = min(width - length - unit, round(high * width - length / 2))
    middle = max(0, min((first + last) // 2, width - length))
    return Span(first, last) if first <= last else Span(middle, middle)


def down_span(length: int, height: int) -> Span:
    """Returns the vertical positions of an item whose lower edge is at 80 to 92 % of the height."""
    return Span(max(0, round(0.8 * height) - length), max(0, round(0.92 * height) - length))


def random_position(rng: random.Random, span: Span) -> int:
    """Returns a random position of the span."""
    return rng.randint(span.low, span.high)


def position_near_middle(rng: random.Random, span: Span, reach: int) -> int:
    """Returns a random position at most `reach` from the middle of the span, and inside the span."""
    middle = (span.low + span.high) // 2
    return rng.randint(max(span.low, middle - reach), max(span.low, min(span.high, middle + reach)))


def aligned_position(at: int, span: Span) -> int:
    """Returns the position nearest to the span's middle that is a whole number of tokens away from `at`."""
    return at + TOKEN * round(((span.low + span.high) / 2 - at) / TOKEN)
