"""Varied light, saturation, grain and proportions of a drawing, so that copying doesn't depend on a kind of art."""

import random
from functools import lru_cache

import numpy as np
from PIL import Image, ImageEnhance

from brandpress.model.nano.world.colours import Rgb

RESTYLED = 0.3
"""Share of the drawings that change."""
_DARK: Rgb = (18, 14, 28)
_WARM: Rgb = (255, 250, 238)


def restyled(rng: random.Random, drawing: Image.Image) -> Image.Image:
    """Returns an RGBA drawing; 30 % get one to three changes that keep its colours nameable."""
    if rng.random() >= RESTYLED:
        return drawing
    alpha = drawing.getchannel("A")
    picture = drawing.convert("RGB")
    if rng.random() < 0.35:
        picture = ImageEnhance.Color(picture).enhance(rng.choice((0.65, 0.8, 1.2, 1.4)))
    if rng.random() < 0.6:
        first, second = rng.sample(range(4), 2)
        picture.paste(_DARK, (0, 0), _side(first, rng.choice((50, 80, 110))).resize(picture.size))
        picture.paste(_WARM, (0, 0), _side(second, rng.choice((30, 60, 90))).resize(picture.size))
    if rng.random() < 0.2:
        picture = _grained(rng, picture)
    picture.putalpha(alpha)
    if rng.random() < 0.35:
        picture = picture.resize((max(8, round(picture.width * rng.uniform(0.82, 1.2))), picture.height))
    return picture


@lru_cache(maxsize=32)
def _side(direction: int, strength: int) -> Image.Image:
    """Returns a mask of 32 x 32 pixels that grows to `strength` of 255 towards one of four corners."""
    at = np.linspace(0, 1, 32)
    across = (at if direction % 2 else 1 - at)[None]
    down = (at if direction // 2 else 1 - at)[:, None]
    return Image.fromarray((strength * (0.5 * across + 0.5 * down) ** 2).astype(np.uint8))


def _grained(rng: random.Random, picture: Image.Image) -> Image.Image:
    """Returns an RGB picture with brightness noise of a few levels, as fine as 1 or 2 pixels."""
    generator = np.random.default_rng(rng.getrandbits(32))
    step = rng.choice((1, 2))
    shape = (-(-picture.height // step), -(-picture.width // step))
    noise = generator.normal(0, rng.uniform(2, 6), shape).astype(np.float32)
    grain = np.asarray(Image.fromarray(noise).resize(picture.size, Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(np.asarray(picture) + grain[..., None], 0, 255).astype(np.uint8))
