"""Shapes and logos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from brandpress.model.nano.world.shapes import LOGOS, Shape, draw_shape, logo_shapes


def drawn(*shapes: Shape, scale: float = 1.0) -> np.ndarray:
    picture = Image.new("L", (round(100 * scale), round(100 * scale)))
    draw = ImageDraw.Draw(picture)
    for shape in shapes:
        draw_shape(draw, shape, 255, scale)
    return np.asarray(picture) > 0


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        (("box", 10, 20, 50, 80, 4), (10, 20, 51, 81)),
        (("ellipse", 10, 20, 50, 80), (10, 20, 51, 81)),
        (("ring", 10, 20, 50, 80, 5), (10, 20, 51, 81)),
        (("poly", (10, 20), (50, 20), (30, 80)), (10, 20, 51, 81)),
        (("line", 4, (20, 50), (80, 50)), (18, 48, 82, 52)),
        (("blob", (10, 20), (50, 20), (50, 80), (10, 80)), (5, 12, 56, 89)),
    ],
)
def test_a_shape_fills_its_box(shape: Shape, box: tuple[int, int, int, int]) -> None:
    ys, xs = np.nonzero(drawn(shape))
    assert np.abs(np.subtract((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), box)).max() <= 1


@pytest.mark.parametrize("logo", LOGOS)
def test_a_logo_is_centred_and_scales(logo: str) -> None:
    shapes = logo_shapes(logo, 50, 50, 20)
    mask = drawn(*shapes)
    ys, xs = np.nonzero(mask)
    assert np.hypot(xs - 50, ys - 50).max() <= 20 * 1.35
    assert 0.1 < mask.sum() / (40 * 40) < 0.9
    assert drawn(*shapes, scale=3.0).sum() == pytest.approx(9 * mask.sum(), rel=0.12)


def test_logos_are_distinct() -> None:
    masks = {logo: drawn(*logo_shapes(logo, 50, 50, 20)) for logo in LOGOS}
    for i, one in enumerate(LOGOS):
        for other in LOGOS[:i]:
            differing = (masks[one] ^ masks[other]).sum() / (masks[one] | masks[other]).sum()
            assert differing > 0.15, (one, other)


def test_unknown_names_are_rejected_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="shape: unknown shape 'wedge'; allowed: blob, box, ellipse"):
        drawn(("wedge", 1, 2))
    with pytest.raises(ValueError, match="logo: unknown logo 'skull'; allowed: star, heart"):
        logo_shapes("skull", 50, 50, 10)
