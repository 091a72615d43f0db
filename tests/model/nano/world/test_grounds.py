"""The plain grounds of item references."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from brandpress.model.nano.world.grounds import photographed, random_ground


def test_most_grounds_are_white_or_light_and_all_are_smooth() -> None:
    rng = random.Random(1)
    grounds = [np.asarray(random_ground(rng, (96, 64))).astype(int) for _ in range(400)]
    assert {ground.shape for ground in grounds} == {(64, 96, 3)}
    white = [ground.min() == 255 for ground in grounds]
    light = [ground.min() >= 220 for ground in grounds]
    dark = [ground.max() < 100 for ground in grounds]
    assert 0.3 < np.mean(white) < 0.46
    assert 0.55 < np.mean(light) < 0.75
    assert 0.03 < np.mean(dark) < 0.15
    assert max(np.abs(np.diff(ground, axis=0)).max() for ground in grounds) < 16


def test_a_camera_changes_few_references_and_little() -> None:
    rng = random.Random(1)
    picture = Image.effect_noise((64, 64), 40).convert("RGB")
    pixels = np.asarray(picture).astype(int)
    errors = [np.abs(np.asarray(photographed(rng, picture)).astype(int) - pixels).mean() for _ in range(300)]
    assert 0.1 < np.mean([error > 0 for error in errors]) < 0.22
    assert max(errors) < 25
