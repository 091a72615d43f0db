"""Positions and sizes of items in the picture and in their references.

Positions vary little: whatever training leaves open becomes blurry when a picture is sampled with few steps.
"""

import random
from dataclasses import dataclass

TOKEN = 16
"""Pixels per side of a transformer token."""
_LENGTHS = {1: (0.46, 0.56), 2: (0.41, 0.45), 3: (0.32, 0.35), 4: (0.28, 0.3)}
"""The longer side of a normal item, as a share of the picture's shorter side, keyed by the number of slots."""
_FACTORS = {"tiny": 0.45, "small": 0.7, "normal": 1.0, "large": 1.25}
_HUGE_ALONE, _HUGE_IN_PAIR = 0.75, 0.66
_CENTRES = {
    (1, "left"): 0.31, (1, "centre"): 0.5, (1, "right"): 0.69,
    (2, "left"): 0.25, (2, "right"): 0.75,
    (3, "left"): 0.17, (3, "centre"): 0.5, (3, "right"): 0.83,
    (4, "left"): 0.128, (4, "centre left"): 0.376, (4, "centre right"): 0.624, (4, "right"): 0.872,
}  # fmt: skip
_WIDTHS = {"tiny": 0.4, "small": 0.44, "normal": 0.5, "large": 0.57, "huge": 0.65}
"""How much of the width one of two items may take, before the two are scaled to fill it."""
GROUND = 0.88
"""The height of the ground on which items stand, as a share of the picture's height."""


@dataclass(frozen=True, slots=True)
class Span:
    """The range of positions of an item's left or upper edge, both ends included."""

    low: int
    high: int

    def holds(self, position: int) -> bool:
        """Returns whether the position is in the range."""
        return self.low <= position <= self.high

    @property
    def middle(self) -> int:
        """The position in the middle."""
        return (self.low + self.high) // 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands in the picture, in pixels.

    centre: of the item. low, high: the edges that it must not cross. length: of its longer side, less if the item would
    not fit between the edges. ground: of its lower edge. reach: how far the lower edge may be from there. flush: its
    right edge is at `high`.
    """

    centre: float
    low: int
    high: int
    length: float
    ground: float
    reach: float
    flush: bool = False

    def size(self, master: tuple[int, int]) -> int:
        """Returns the longer side of an item whose drawing has this width and height."""
        widest = (self.high - self.low - 2) * max(master) / master[0]
        return max(8, round(min(self.length, widest)))

    def across(self, length: int) -> Span:
        """Returns the horizontal positions of an item of this width."""
        low, high = self.low, max(self.low, self.high - length)
        if self.flush:
            return Span(high, high)
        nominal = round(self.centre - length / 2)
        reach = min(nominal - low, high - nominal, TOKEN)
        if reach < 0:
            nominal, reach = min(max(low, nominal), high), 0
        return Span(nominal - reach, nominal + reach)

    def down(self, length: int) -> Span:
        """Returns the vertical positions of an item of this height."""
        return Span(
            max(1, round(self.ground - self.reach) - length),
            max(1, round(self.ground + self.reach) - length),
        )


def row_places(
    rng: random.Random, width: int, height: int, slots: tuple[str, ...], scales: tuple[str, ...], *, low: bool = False
) -> list[Place]:
    """Returns the places of 1 to 4 items side by side. low: leave the upper third free for a banner."""
    short, count = min(width, height), len(slots)
    thirds = count == 2 and "centre" in slots
    columns = 3 if thirds else count
    margin = max(1, round(short / 100))
    wide = min(1.25, (width / height) ** 0.4) if width > height else 1.0
    shares = _pair_shares(scales) if count == 2 and not thirds else None
    normal = rng.uniform(*_LENGTHS[columns]) * short * wide
    places = []
    for index, (slot, scale) in enumerate(zip(slots, scales, strict=True)):
        if shares is not None:
            left, right = (0.0, shares[0]) if index == 0 else (shares[0], 1.0)
            centre = (left + right) / 2
        else:
            centre = _CENTRES[(columns, slot)]
            left, right = (0.0, 1.0) if count == 1 else (centre - 0.5 / columns, centre + 0.5 / columns)
        if scale == "huge":
            length = (_HUGE_ALONE if count == 1 else _HUGE_IN_PAIR) * height
        else:
            length = normal * _FACTORS[scale]
        length = min(length, height * (0.47 if low else 0.78))
        edges = max(margin, round(left * width) + 1), min(width - margin, round(right * width) - 1)
        places.append(Place(centre * width, *edges, length, GROUND * height, 0.04 * height))
    return places


def _pair_shares(scales: tuple[str, ...]) -> tuple[float, float]:
    """Returns the shares of the width of two items; they are halves unless one is large or huge."""
    if not {"large", "huge"} & set(scales):
        return 0.5, 0.5
    first, second = (_WIDTHS[scale] for scale in scales)
    return first / (first + second), second / (first + second)


def back_place(rng: random.Random, width: int, height: int) -> Place:
    """Returns the place of the item that stands behind another: on the right, its lower edge higher up."""
    short = min(width, height)
    length = min(rng.uniform(0.43, 0.47) * short, 0.55 * height)
    return Place(0.62 * width, round(0.36 * width), round(0.95 * width), length, 0.815 * height, 0.035 * height)


def front_place(rng: random.Random, width: int, height: int, back: tuple[int, int, int, int]) -> Place:
    """Returns the place of the item in front of another whose box (x0, y0, x1, y1) is `back`.

    It covers 22 % of the other's width from the left, and its lower edge is 9 % of the height lower.
    """
    right = round(back[0] + 0.22 * (back[2] - back[0]))
    length = min(rng.uniform(0.4, 0.44) * min(width, height), 0.55 * height)
    return Place(right - length / 2, max(1, round(0.01 * width)), right, length, back[3] + 0.09 * height, 0, flush=True)


def base_place(rng: random.Random, width: int, height: int) -> Place:
    """Returns the place of an item that carries another one."""
    length = min(rng.uniform(0.41, 0.45) * min(width, height), 0.46 * height)
    return Place(0.5 * width, 1, width - 1, length, 0.89 * height, 0.03 * height)


def reference_span(length: int, canvas: int, margin: float = 0.03) -> Span:
    """Returns the positions of an item of this length in a reference of length `canvas`.

    margin: a share of the canvas that stays free on both sides. An item that is too long for it is centred.
    """
    free = round(canvas * margin)
    low, high = free, canvas - free - length
    if high >= low:
        return Span(low, high)
    return Span(max(0, (canvas - length) // 2), max(0, (canvas - length) // 2))


def random_position(rng: random.Random, span: Span) -> int:
    """Returns a random position of the span."""
    return rng.randint(span.low, span.high)


def position_near_middle(rng: random.Random, span: Span, reach: int) -> int:
    """Returns a random position at most `reach` from the middle of the span, and inside the span."""
    return rng.randint(max(span.low, span.middle - reach), max(span.low, min(span.high, span.middle + reach)))


def aligned_position(at: int, span: Span) -> int:
    """Returns the position nearest to the span's middle that is a whole number of tokens away from `at`."""
    return at + TOKEN * round(((span.low + span.high) / 2 - at) / TOKEN)
