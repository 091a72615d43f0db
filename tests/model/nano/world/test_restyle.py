"""Varied light, grain and proportions of drawings."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image

from brandpress.model.nano.world.colours import dominant_colour
from brandpress.model.nano.world.restyle import RESTYLED, restyled


def test_some_drawings_change_and_keep_their_outline_and_colour_word() -> None:
    rng = random.Random(1)
    drawing = Image.new("RGBA", (90, 60))
    drawing.paste((40, 108, 218, 255), (10, 0, 80, 60))
    results = [restyled(rng, drawing) for _ in range(300)]
    changed = [result for result in results if result is not drawing]
    assert abs(len(changed) / len(results) - RESTYLED) < 0.08
    assert len({result.tobytes() for result in changed}) > 40
    for result in changed:
        assert 0.8 < result.width / drawing.width < 1.22
        assert result.height == 60
        assert abs(np.mean(np.asarray(result)[..., 3]) - np.mean(np.asarray(drawing)[..., 3])) < 4
        assert dominant_colour(result, 0.4) == "blue"
