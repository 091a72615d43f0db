"""Textures of things: the same at any resolution."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from brandpress.model.nano.world.textures import TEXTURES, Canvas, random_palette, smooth_step


@pytest.mark.parametrize("texture", [texture for texture, _ in TEXTURES], ids=lambda texture: texture.__name__)
def test_a_texture_shows_the_same_at_any_resolution(texture) -> None:  # type: ignore[no-untyped-def]
    for seed in range(4):
        palette = random_palette(np.random.default_rng(seed))
        small, large = (texture(np.random.default_rng(seed), Canvas.of(size), palette) for size in (48, 144))
        assert small.shape == (3, 48, 48) and small.dtype == np.float32
        assert np.abs(large.reshape(3, 48, 3, 48, 3).mean((2, 4)) - small).mean() < 0.05


def test_neighbours_in_a_palette_differ() -> None:
    for seed in range(50):
        palette = random_palette(np.random.default_rng(seed))
        assert all(np.abs(one - two).sum() > 0.5 for one, two in pairwise(palette))
        assert all(colour.shape == (3, 1, 1) and 0 <= colour.min() <= colour.max() <= 1 for colour in palette)


def test_a_framed_canvas_shows_its_square() -> None:
    framed = Canvas.of(4).framed(-0.5, 0.0, 1.0)
    assert framed.x[0] == pytest.approx([-0.375, -0.125, 0.125, 0.375])
    assert framed.y[:, 0] == pytest.approx([0.125, 0.375, 0.625, 0.875])


def test_a_smooth_step_is_linear_within_its_softness() -> None:
    assert smooth_step(np.array([-1, -0.1, 0, 0.1, 1], dtype=np.float32), 0.2) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
