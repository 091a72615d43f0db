"""Named colours and their detection."""

from __future__ import annotations

import random

import pytest
from PIL import Image

from brandpress.model.nano.world.colours import (
    COLOURS,
    Rgb,
    distance,
    dominant_colour,
    from_hex,
    jittered,
    mixed,
    to_hex,
)

RED, BLUE = COLOURS["red"], COLOURS["blue"]


def swatch(*parts: tuple[Rgb, int]) -> Image.Image:
    """Returns stripes 16 pixels wide, each with a colour and a height."""
    picture = Image.new("RGBA", (16, sum(height for _, height in parts)))
    top = 0
    for rgb, height in parts:
        picture.paste((*rgb, 255), (0, top, 16, top + height))
        top += height
    return picture


@pytest.mark.parametrize("name", COLOURS)
def test_a_jittered_colour_keeps_its_name(name: str) -> None:
    rng = random.Random(name)
    assert dominant_colour(swatch((jittered(rng, COLOURS[name]), 16))) == name


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        (swatch((RED, 12), (BLUE, 4)), "red"),
        (swatch((RED, 6), (BLUE, 5), (COLOURS["white"], 5)), None),  # none covers half
        (Image.new("RGBA", (16, 16), (*RED, 40)), None),  # all but transparent
    ],
)
def test_the_dominant_colour_covers_half(picture: Image.Image, name: str | None) -> None:
    assert dominant_colour(picture) == name


def test_jitter_stays_within_its_amount() -> None:
    rng = random.Random(1)
    for _ in range(200):
        assert all(abs(a - b) <= 12 for a, b in zip(jittered(rng, BLUE), BLUE, strict=True))
        assert all(0 <= channel <= 255 for channel in jittered(rng, (0, 255, 128), 40))


@pytest.mark.parametrize(("share", "result"), [(0.0, (0, 100, 200)), (1.0, (200, 0, 100)), (0.5, (100, 50, 150))])
def test_mixed(share: float, result: Rgb) -> None:
    assert mixed((0, 100, 200), (200, 0, 100), share) == result


@pytest.mark.parametrize(("colour", "text"), [((0, 10, 255), "#000aff"), ((171, 205, 239), "#abcdef")])
def test_hexadecimal_colours(colour: Rgb, text: str) -> None:
    assert to_hex(colour) == text
    assert from_hex(text) == from_hex(text.upper()) == colour


@pytest.mark.parametrize("text", ["#12345", "123456", "#12345g", "navy", "#1234567"])
def test_a_text_that_is_no_colour_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="colour: expected a colour word or #rrggbb, got"):
        from_hex(text)


def test_named_colours_are_distinct() -> None:
    names = tuple(COLOURS)
    closest = min(distance(COLOURS[a], COLOURS[b]) for i, a in enumerate(names) for b in names[:i])
    assert closest > 50
