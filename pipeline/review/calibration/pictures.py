"""Pictures for calibration: a reference's subject on other grounds, as different renderings of it may show it."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

SIDE = 384
_SIZES = (0.34, 0.72)
"""The longer side of the subject, as a share of the picture's side."""
_TURN = 8.0
"""Degrees."""
_LIGHT = 0.12
"""Change of brightness, contrast and saturation."""


def placed(cutout: Image.Image, seed: int) -> Image.Image:
    """Returns the subject, RGBA, on a ground of gradients and texture, RGB.

    Place, size, direction, light, sharpness and compression differ with the seed.
    """
    rng = np.random.default_rng(seed)
    picture = _ground(rng)
    item = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.3 else cutout
    item = item.rotate(rng.uniform(-_TURN, _TURN), Image.Resampling.BICUBIC, expand=True)
    scale = rng.uniform(*_SIZES) * SIDE / max(item.size)
    size = (max(1, round(item.width * scale)), max(1, round(item.height * scale)))
    item = item.resize(size, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))
    corner = (round(rng.random() * (SIDE - item.width)), round(rng.uniform(0.3, 1) * (SIDE - item.height)))
    picture.paste(item, corner, item)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(1 - _LIGHT, 1 + _LIGHT))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(82, 96)))
    return Image.open(file).convert("RGB")


def _ground(rng: np.random.Generator) -> Image.Image:
    """Returns a square with a gradient of two or three colours, and coarse and fine texture."""
    stops = rng.uniform(20, 245, (int(rng.integers(2, 4)), 1, 3))
    gradient = np.repeat(stops, 2, axis=1).astype(np.uint8)
    texture = rng.uniform(-1, 1, (int(rng.integers(4, 24)),) * 2) * rng.uniform(0, 45)
    rough = Image.fromarray(np.clip(128 + texture, 0, 255).astype(np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    base = np.asarray(Image.fromarray(gradient).resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float64)
    grain = rng.normal(0, rng.uniform(0, 6), (SIDE, SIDE, 1))
    pixels = base + np.asarray(rough, np.float64)[..., None] - 128 + grain
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
