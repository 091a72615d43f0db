"""Colour grades."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.grades import GRADES, grade


@pytest.fixture(scope="module")
def ramp() -> Image.Image:
    """A picture of 16 x 16 x 16 colours that cover the RGB cube."""
    levels = np.linspace(0, 255, 16).astype(np.uint8)
    red, green, blue = np.meshgrid(levels, levels, levels, indexing="ij")
    return Image.fromarray(np.stack([red, green, blue], -1).reshape(64, 64, 3))


def test_the_look_none_changes_nothing(ramp: Image.Image) -> None:
    assert grade(ramp, "none").tobytes() == ramp.tobytes()


def test_looks_are_distinct(ramp: Image.Image) -> None:
    graded = {name: np.asarray(grade(ramp, name)).astype(int) for name in GRADES}
    for i, one in enumerate(GRADES):
        for other in GRADES[:i]:
            assert np.abs(graded[one] - graded[other]).mean() > 12, (one, other)


def test_noir_is_grey(ramp: Image.Image) -> None:
    pixels = np.asarray(grade(ramp, "noir")).astype(int)
    assert np.ptp(pixels, axis=-1).max() <= 1


def test_an_unknown_look_is_rejected_with_the_allowed_ones(ramp: Image.Image) -> None:
    with pytest.raises(ValueError, match="grade: unknown look 'dusk'; allowed: none, dawn, golden"):
        grade(ramp, "dusk")
