"""Placement of single items, hue shifts and item references."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.facts import random_items
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import item_reference, place_item, shift_hue


@pytest.mark.parametrize("canvas", [(64, 64), (80, 48), (48, 80)])
def test_an_item_and_its_reference_fit_any_reference_size(library: Library, canvas: tuple[int, int]) -> None:
    rng = random.Random(4)
    for item in random_items(rng, library, count=3) * 8:
        part, reference, row = place_item(rng, item, "left", 52, (128, 128), 2, canvas, crowded=False)
        assert reference.size == canvas
        assert row["box"] == [part.x, part.y, part.x + part.drawing.width, part.y + part.drawing.height]
        assert 0 < part.x < part.x + part.drawing.width <= 68, "in the left slot"
        pixels = np.asarray(reference).astype(int)
        ys, xs = np.nonzero(np.abs(pixels - pixels[0, 0]).max(-1) > 4)
        assert max(np.ptp(xs) / canvas[0], np.ptp(ys) / canvas[1]) > 0.5, "it fills most of its reference"


def test_a_reference_shows_the_drawing_at_its_position() -> None:
    drawing = Image.new("RGBA", (10, 12), (200, 20, 30, 255))
    pixels = np.asarray(item_reference(random.Random(1), drawing, 20, 30, (64, 48)))
    assert pixels.shape == (48, 64, 3)
    assert (pixels[30:42, 20:30] == (200, 20, 30)).all()
    assert (pixels[:20] == pixels[0, 0]).all()


def test_shifting_hues_keeps_shape_and_lightness(library: Library) -> None:
    sprite = library.seen[0].sprite()
    other = shift_hue(sprite, 128)
    assert shift_hue(sprite, 0) is sprite
    assert other.getchannel("A").tobytes() == sprite.getchannel("A").tobytes()
    assert other.tobytes() != sprite.tobytes()
    values = [np.asarray(picture.convert("RGB").convert("HSV"))[..., 2].astype(int) for picture in (sprite, other)]
    assert np.abs(values[0] - values[1]).max() <= 2
