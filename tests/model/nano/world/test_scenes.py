"""Scenes are reproducible at any size and distinct from each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.scenes import HUES, SCENES, Scene, random_scene

SIDE = 64


def pixels(scene: Scene, width: int = SIDE, height: int = SIDE) -> np.ndarray:
    return np.asarray(scene.draw(width, height)).astype(int)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the mean absolute difference in levels."""
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_reproducible_at_any_size(name: str) -> None:
    scene = Scene(name, "pink", "none", 4)
    picture = pixels(scene)
    assert np.array_equal(picture, pixels(scene))
    larger = scene.draw(2 * SIDE, 2 * SIDE).resize((SIDE, SIDE), Image.Resampling.BOX)
    assert difference(picture, np.asarray(larger).astype(int)) < 5
    assert pixels(scene, 80, 48).shape == (48, 80, 3)
    assert not np.array_equal(picture, pixels(Scene(name, "pink", "none", 5)))


def test_scenes_are_distinct() -> None:
    drawn = {name: pixels(Scene(name, "pink", "none", 4)) for name in SCENES}
    for i, one in enumerate(SCENES):
        for other in SCENES[:i]:
            assert difference(drawn[one], drawn[other]) > 15, (one, other)


@pytest.mark.parametrize("name", ["studio", "podium", "stripes"])
def test_a_backdrop_has_its_colour(name: str) -> None:
    drawn = {hue: pixels(Scene(name, hue, "none", 4)) for hue in HUES}
    for i, one in enumerate(HUES):
        for other in list(HUES)[:i]:
            assert difference(drawn[one], drawn[other]) > 8, (one, other)


def test_a_look_changes_the_picture() -> None:
    assert difference(pixels(Scene("beach", None, "none", 4)), pixels(Scene("beach", None, "noir", 4))) > 20


def test_random_scenes() -> None:
    rng = random.Random(2)
    scenes = [random_scene(rng, "dawn", exclude="beach") for _ in range(600)]
    assert {scene.name for scene in scenes} == set(SCENES) - {"beach"}
    assert {scene.grade for scene in scenes} == {"dawn"}
    assert all((scene.colour is not None) == (scene.name in ("studio", "podium", "stripes")) for scene in scenes)
    assert scenes[0] == random_scene(random.Random(2), "dawn", exclude="beach")


def test_an_unknown_scene_is_rejected_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="scene: unknown scene 'office'; allowed: beach, snow"):
        Scene("office", None, "none", 0).draw(SIDE, SIDE)
