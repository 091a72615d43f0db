"""Placement of single items, hue shifts and item references."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.facts import random_items
from brandpress.model.nano.world.layout import Span
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import cast_shadow, item_reference, place_item, scaled, shift_hue

SPANS = (Span(4, 20), Span(110, 126))


@pytest.mark.parametrize("canvas", [(128, 128), (160, 96), (96, 160)])
def test_an_item_is_in_its_spans_and_its_reference_has_the_size_asked_for(
    library: Library, canvas: tuple[int, int]
) -> None:
    rng = random.Random(4)
    for item in random_items(rng, library, count=4) * 6:
        part, reference, colour = place_item(rng, item, lambda _: 104, lambda _: SPANS, canvas)
        assert reference.size == canvas
        assert max(part.drawing.size) == 104
        assert 4 <= part.x <= 20
        assert 110 <= part.y <= 126
        assert colour is None or isinstance(item.subject, Artwork)


def test_a_reference_shows_the_drawing_at_its_position() -> None:
    drawing = Image.new("RGBA", (30, 42), (200, 20, 30, 255))
    exact = 0
    for seed in range(40):
        pixels = np.asarray(item_reference(random.Random(seed), drawing, 20, 10, (128, 64))).astype(int)
        assert pixels.shape == (64, 128, 3)
        inside = pixels[12:50, 22:48]
        assert np.abs(inside - (200, 20, 30)).max() < 60, "a camera changes little"
        exact += bool((inside == (200, 20, 30)).all())
    assert exact >= 28


def test_a_shadow_is_darkest_at_the_contact() -> None:
    picture = Image.new("RGB", (128, 128), (255, 255, 255))
    cast_shadow(picture, Image.new("RGBA", (60, 60), (0, 0, 0, 255)), 34, 40, 0.75)
    column = np.asarray(picture.convert("L"))[:, 64].astype(int)
    assert column[99] < 150
    assert column[99] < column[104] < column[112] == 255
    assert (column[:85] == 255).all()


def test_scaling_keeps_the_aspect() -> None:
    assert scaled(Image.new("RGBA", (50, 100)), 60).size == (30, 60)
    assert scaled(Image.new("RGBA", (50, 100)), 200).size == (100, 200)


def test_shifting_hues_keeps_shape_and_lightness(library: Library) -> None:
    sprite = library.seen[0].sprite()
    other = shift_hue(sprite, 128)
    assert shift_hue(sprite, 0) is sprite
    assert other.getchannel("A").tobytes() == sprite.getchannel("A").tobytes()
    assert other.tobytes() != sprite.tobytes()
    values = [np.asarray(picture.convert("RGB").convert("HSV"))[..., 2].astype(int) for picture in (sprite, other)]
    assert np.abs(values[0] - values[1]).max() <= 2
