"""The plain grounds of item references, and what a camera does to a reference."""

import io
import random
from functools import lru_cache

import numpy as np
from PIL import Image

from brandpress.model.nano.world.colours import Rgb, mixed, random_colour

_WHITE: Rgb = (255, 255, 255)
_LIGHT: tuple[Rgb, ...] = ((240, 240, 240), (248, 248, 250), (224, 224, 226), (250, 244, 234), (230, 240, 250),
                           (248, 230, 238), (232, 246, 234))  # fmt: skip
_JPEG_SHARE, _CAST_SHARE = 0.1, 0.06


def random_ground(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    """Returns a plain ground of this width and height: white in 38 %, light in 22 %, coloured, a gradient or dark."""
    roll = rng.random()
    if roll < 0.6:
        return Image.new("RGB", size, _WHITE if roll < 0.38 else rng.choice(_LIGHT))
    if roll < 0.74:
        return Image.new("RGB", size, mixed(random_colour(rng), _WHITE, rng.uniform(0.1, 0.7)))
    if roll < 0.84:
        colour = random_colour(rng)
        first, second = (mixed(colour, _WHITE, share) for share in rng.sample((0.2, 0.4, 0.6, 0.85), 2))
        return _blend(_ramp("linear"), size, first, second)
    if roll < 0.93:
        tone = rng.randint(120, 235)
        light = min(255, tone + rng.randint(12, 45))
        tint, share = random_colour(rng), rng.choice((0.0, 0.0, 0.35))
        return _blend(_ramp("sweep"), size, mixed((light,) * 3, tint, share), mixed((tone,) * 3, tint, share))
    dark = rng.randint(10, 60)
    return Image.new("RGB", size, mixed((dark, dark, dark), random_colour(rng), 0.12))


def photographed(rng: random.Random, picture: Image.Image) -> Image.Image:
    """Returns the picture; with a slight cast of colour or light in 6 %, and with JPEG's noise in 10 %."""
    if rng.random() < _CAST_SHARE:
        light = rng.uniform(0.88, 1.08)
        gains = [light * rng.uniform(0.95, 1.05) for _ in range(3)]
        picture = picture.point([min(255, round(v * gain)) for gain in gains for v in range(256)])
    if rng.random() < _JPEG_SHARE:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=rng.randint(40, 85))
        picture = Image.open(buffer).convert("RGB")
    return picture


@lru_cache(2)
def _ramp(name: str) -> Image.Image:
    """Returns a mask of 8 x 64 pixels: linear from top to bottom, or a studio sweep with a soft edge."""
    at = np.linspace(0, 1, 64)
    ramp = at if name == "linear" else np.interp(at, (0.0, 0.55, 0.72, 1.0), (0.35, 0.0, 1.0, 0.7))
    return Image.fromarray(np.repeat((255 * ramp)[:, None], 8, 1).astype(np.uint8))


def _blend(mask: Image.Image, size: tuple[int, int], first: Rgb, second: Rgb) -> Image.Image:
    picture = Image.new("RGB", size, first)
    picture.paste(second, (0, 0), mask.resize(size, Image.Resampling.BILINEAR))
    return picture
