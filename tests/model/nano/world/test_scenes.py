"""Scenes are reproducible at any size and distinct from each other."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.colours import from_hex
from brandpress.model.nano.world.moods import MOODS
from brandpress.model.nano.world.scenes import COLOURED, HUES, NAMEABLE, SCENES, Scene, random_scene

SIDE = 64


def pixels(scene: Scene, width: int = SIDE, height: int = SIDE) -> np.ndarray:
    return np.asarray(scene.draw(width, height)).astype(int)


def coloured(name: str, seed: int = 4) -> Scene:
    return Scene(name, "pink" if name in COLOURED else None, "none", seed)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the mean absolute difference in levels."""
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_reproducible_at_any_size(name: str) -> None:
    scene = coloured(name)
    picture = pixels(scene)
    assert np.array_equal(picture, pixels(scene))
    larger = scene.draw(2 * SIDE, 2 * SIDE).resize((SIDE, SIDE), Image.Resampling.BOX)
    assert difference(picture, np.asarray(larger).astype(int)) < 10
    assert pixels(scene, 80, 48).shape == (48, 80, 3)


@pytest.mark.parametrize("name", [name for name in SCENES if name not in ("pure white", "studio")])
def test_a_scene_varies_with_its_seed(name: str) -> None:
    drawn = [pixels(coloured(name, seed)) for seed in range(4)]
    assert max(difference(drawn[0], other) for other in drawn[1:]) > 3


def test_nameable_scenes_are_distinct() -> None:
    drawn = {name: pixels(coloured(name)) for name in NAMEABLE}
    closest = min((difference(drawn[a], drawn[b]), a, b) for i, a in enumerate(NAMEABLE) for b in NAMEABLE[:i])
    assert closest[0] > 6, closest


@pytest.mark.parametrize("name", NAMEABLE)
def test_a_scene_fills_its_picture(name: str) -> None:
    """No scene leaves rows of the canvas undrawn, which are black."""
    for width, height in ((48, 96), (96, 48)):
        for seed in range(2):
            rows = pixels(coloured(name, seed), width, height).max(axis=(1, 2))
            assert rows.min() > 8, (seed, int(rows.argmin()))


@pytest.mark.parametrize("name", COLOURED)
def test_a_coloured_scene_has_its_colour(name: str) -> None:
    means = {hue: pixels(Scene(name, hue, "none", 4)).mean(axis=(0, 1)) for hue in HUES}
    for hue, mean in means.items():
        nearest = sorted(HUES, key=lambda other: float(np.abs(means[other] - mean).sum()))
        assert nearest[0] == hue
    assert difference(pixels(Scene(name, "#1fa0c8", "none", 4)), pixels(Scene(name, "#c81f40", "none", 4))) > 25


def test_a_studio_shows_the_hexadecimal_colour_that_was_asked_for() -> None:
    expected = np.array(from_hex("#1fa0c8"))
    flat = 0
    for seed in range(20):
        picture = pixels(Scene("studio", "#1fa0c8", "none", seed))
        assert np.abs(picture.mean(axis=(0, 1)) - expected).max() < 24
        flat += bool((picture == expected).all())
    assert flat >= 4


@pytest.mark.parametrize("scene", [Scene("pure white", None, "none", 3), Scene("studio", "white", "none", 3)])
def test_white_is_pure(scene: Scene) -> None:
    assert (pixels(scene) == 255).all()


def test_a_look_changes_the_picture() -> None:
    assert difference(pixels(Scene("beach", None, "none", 4)), pixels(Scene("beach", None, "noir", 4))) > 20


def test_random_scenes() -> None:
    rng = random.Random(2)
    scenes = [random_scene(rng, "none", exclude="beach") for _ in range(4000)]
    counts = Counter(scene.name for scene in scenes)
    assert set(counts) == set(SCENES) - {"beach"}
    assert 0.12 < counts["studio"] / 4000 < 0.16
    assert 0.07 < counts["pure white"] / 4000 < 0.11
    assert 0.12 < sum(counts[name] for name in ("abstract", *MOODS)) / 4000 < 0.18
    assert all((scene.colour is not None) == (scene.name in COLOURED) for scene in scenes)
    assert ("studio", "white") not in {(scene.name, scene.colour) for scene in scenes}
    written = [scene.colour for scene in scenes if scene.name == "studio" and str(scene.colour).startswith("#")]
    assert 0.4 < len(written) / counts["studio"] < 0.6
    assert scenes[0] == random_scene(random.Random(2), "none", exclude="beach")


def test_no_look_tints_pure_white_or_a_hexadecimal_colour() -> None:
    rng = random.Random(3)
    scenes = [random_scene(rng, "dawn") for _ in range(2000)]
    assert {scene.grade for scene in scenes} == {"dawn"}
    assert {scene.name for scene in scenes} == set(SCENES) - {"pure white"}
    assert {scene.colour for scene in scenes} <= {None, *HUES}


def test_an_unknown_scene_or_colour_is_rejected() -> None:
    with pytest.raises(ValueError, match="scene: unknown scene 'opera'; allowed: beach, snow"):
        Scene("opera", None, "none", 0).draw(SIDE, SIDE)
    with pytest.raises(ValueError, match="expected a colour word or #rrggbb, got 'blurple'"):
        Scene("studio", "blurple", "none", 0).draw(SIDE, SIDE)
