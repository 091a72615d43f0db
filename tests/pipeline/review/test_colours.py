"""Dominant colours and colour differences."""

from __future__ import annotations

import numpy as np
import pytest
from coloraide import Color
from PIL import Image

from brandpress.pipeline.review.colours import difference, dominant_colours, nearest

# From table 1 of Sharma, Wu, Dalal: The CIEDE2000 color-difference formula, 2005.
PUBLISHED = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
    ((50, 2.4900, -0.0010), (50, -2.4900, 0.0011), 7.2195),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("one", "other", "expected"), PUBLISHED)
def test_the_library_has_the_published_differences(
    one: tuple[float, ...], other: tuple[float, ...], expected: float
) -> None:
    colours = Color("lab-d65", list(one)), Color("lab-d65", list(other))
    assert colours[0].delta_e(colours[1], method="2000") == pytest.approx(expected, abs=5e-5)


def test_differences_of_colours() -> None:
    assert difference("#1f4d3a", "#1f4d3a") == 0
    assert difference("#000000", "#ffffff") == pytest.approx(100, abs=0.01)
    assert difference("#ff0000", "#0000ff") == difference("#0000ff", "#ff0000") > 50
    assert nearest("#20503c", ["#ffffff", "#1f4d3a", "#f28222"])[0] == "#1f4d3a"


def test_dominant_colours_have_their_shares() -> None:
    picture = Image.new("RGB", (100, 100), "#1f4d3a")
    picture.paste("#f28222", (0, 0, 100, 25))
    shares = dominant_colours(picture, 4)
    assert [(one.colour, one.share) for one in shares] == [("#1f4d3a", 0.75), ("#f28222", 0.25)]


def test_a_mask_selects_the_pixels() -> None:
    picture = Image.new("RGB", (40, 40), "#1f4d3a")
    picture.paste("#f28222", (0, 0, 40, 10))
    mask = np.zeros((40, 40), bool)
    mask[:10] = True
    assert [one.colour for one in dominant_colours(picture, 4, mask)] == ["#f28222"]
