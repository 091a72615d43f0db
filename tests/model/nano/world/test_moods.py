"""Blurred grounds by mood."""

from __future__ import annotations

import random

import numpy as np
import pytest

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.moods import MOODS, drawn_mood


def drawn(name: str, seed: int) -> np.ndarray:
    backdrop = Backdrop(random.Random(seed), 64, 64)
    drawn_mood(name)(backdrop)
    return np.asarray(backdrop.finish()).astype(int)


@pytest.mark.parametrize("name", MOODS)
def test_a_mood_varies_and_is_never_empty(name: str) -> None:
    pictures = [drawn(name, seed) for seed in range(4)]
    assert min(picture.std() for picture in pictures) > 4
    assert min(np.abs(pictures[0] - other).mean() for other in pictures[1:]) > 4


def test_moods_have_their_brightness_and_hue() -> None:
    means = {name: np.mean([drawn(name, seed).mean(axis=(0, 1)) for seed in range(6)], axis=0) for name in MOODS}
    assert max(means, key=lambda name: means[name].sum()) == "mood bright"
    assert min(means, key=lambda name: means[name].sum()) == "mood dark"
    for name, channel in (("mood warm indoor", 0), ("mood green outdoor", 1), ("mood blue outdoor", 2)):
        assert means[name].argmax() == channel
