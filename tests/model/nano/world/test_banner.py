"""Signs with words."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.banner import WORDS, draw_banner, random_words
from brandpress.model.nano.world.lettering import LETTERS


def test_words_are_one_to_three_and_every_letter_can_be_drawn() -> None:
    rng = random.Random(1)
    words = [random_words(rng) for _ in range(2000)]
    assert {len(text.split()) for text in words} == {1, 2, 3}
    assert set().union(*words, *WORDS) <= LETTERS
    assert 0.5 < np.mean([text in WORDS for text in words]) < 0.7
    assert 0.05 < np.mean(["%" in text for text in words]) < 0.2
    assert max(len(text) for text in words) <= 16


@pytest.mark.parametrize("size", [(256, 256), (192, 320), (384, 192), (192, 192)])
def test_a_banner_is_in_the_upper_third_and_legible(size: tuple[int, int]) -> None:
    rng = random.Random(1)
    scene = Image.new("RGB", size, (120, 150, 180))
    for words in ("SALE", "BLACK FRIDAY", "MADE WITH LOVE", "-50%", "ORIGINAL"):
        for _ in range(6):
            changed = np.abs(np.asarray(draw_banner(rng, scene, words)).astype(int) - np.asarray(scene)).max(-1) > 8
            ys, xs = np.nonzero(changed)
            assert ys.max() < size[1] * (0.36 if min(size) >= 256 else 0.42)
            assert np.ptp(ys) + 1 >= max(21, 0.088 * min(size)), "cap height"
            assert abs((xs.min() + xs.max() + 1) / 2 - size[0] / 2) <= 3
            assert xs.min() >= 1


def test_letters_stand_out_from_their_sign() -> None:
    rng = random.Random(3)
    for _ in range(40):
        scene = Image.new("RGB", (256, 256), (rng.randrange(256), rng.randrange(256), rng.randrange(256)))
        pixels = np.asarray(draw_banner(rng, scene, "SALE").convert("L").crop((100, 36, 156, 52))).astype(int)
        assert np.percentile(pixels, 95) - np.percentile(pixels, 5) > 75
