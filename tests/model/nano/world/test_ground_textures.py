"""Textures as tone maps."""

from __future__ import annotations

import numpy as np
import pytest

from brandpress.model.nano.world.ground_textures import GROUNDS, SIDE, tone_maps


def test_a_flat_texture_darkens_and_lightens_different_points() -> None:
    dark, light = tone_maps("brick")
    assert dark is not None
    assert light is not None
    assert dark.size == light.size == (SIDE, SIDE)
    assert not ((np.asarray(dark) > 0) & (np.asarray(light) > 0)).any()
    assert np.asarray(dark).mean() > 5
    assert np.asarray(light).mean() > 5


def test_clouds_only_lighten() -> None:
    dark, light = tone_maps("clouds")
    assert dark is None
    assert light is not None
    assert 0.05 < (np.asarray(light) > 60).mean() < 0.7


def test_a_ground_gets_finer_with_its_distance() -> None:
    dark, _ = tone_maps("checked floor")
    assert "checked floor" in GROUNDS
    assert dark is not None
    assert dark.size == (SIDE, SIDE // 2)
    pixels = np.asarray(dark).astype(int)
    far, near = (int((np.abs(np.diff(pixels[row])) > 100).sum()) for row in (40, SIDE // 2 - 10))
    assert far > 2 * near


def test_an_unknown_texture_is_an_error() -> None:
    with pytest.raises(KeyError):
        tone_maps("velcro")
