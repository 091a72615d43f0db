"""Batch invariance: a picture is the same to the bit whatever else is rendered with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from brandpress.model import RenderRequest
from tests.gpu.pairs import levels_apart
from tests.model.tokenizers import WORDS

Render = Callable[[Sequence[RenderRequest]], list[Image.Image]]


def reference_picture(seed: int, width: int = 96, height: int = 96) -> Image.Image:
    """A reference picture of smooth noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


FIRST, SECOND, THIRD = reference_picture(1), reference_picture(2, 64, 112), reference_picture(3, 80, 80)
REQUEST = RenderRequest(WORDS[0], (FIRST, SECOND), 64, 80, seed=7, steps=2)
OTHERS = [
    RenderRequest(WORDS[1], (FIRST, SECOND), 64, 80, seed=1, steps=2),
    RenderRequest(WORDS[0], (SECOND, FIRST), 64, 80, seed=7, steps=2),
    RenderRequest(WORDS[2], (), 64, 80, seed=3, steps=2),
    RenderRequest(WORDS[0], (THIRD,), 80, 64, seed=7, steps=3),
]
"""Requests that share the prompt, the references or the size of `REQUEST`, or none of them."""


def assert_batch_invariant(render: Render) -> None:
    """Check that `REQUEST` renders the same alone, before and after `OTHERS`. `render` starts with empty caches."""
    [alone] = render([REQUEST])
    first, *others, last = render([REQUEST, *OTHERS, REQUEST])
    *_, behind = render([*OTHERS[::-1], REQUEST])
    assert [levels_apart(picture, alone) for picture in (first, last, behind)] == [0, 0, 0]
    assert all(picture.size != alone.size or levels_apart(picture, alone) > 1 for picture in others)
