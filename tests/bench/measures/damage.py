"""What goes wrong with a subject in a rendered picture: it has other colours, or its shape is warped or melted."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

MIN_CHANGE = 22.0
"""Mean difference that another colour makes, in levels of 255 per channel."""


def recoloured(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """Returns the RGBA drawing with its hues turned by 70 to 290 degrees; gray ones get a colour."""
    for _ in range(20):
        hue, saturation, value = cutout.convert("RGB").convert("HSV").split()
        turn = rng.randint(50, 206)
        turned = hue.point([(level + turn) % 256 for level in range(256)])
        raised = saturation.point([min(255, level + rng.choice((0, 60, 110))) for level in range(256)])
        result = Image.merge("HSV", (turned, raised, value)).convert("RGB")
        result.putalpha(cutout.getchannel("A"))
        if _difference(cutout, result) >= MIN_CHANGE:
            return result
    tint = Image.new("RGB", cutout.size, rng.choice(("#d03050", "#3060d0", "#20a050")))
    result = Image.blend(cutout.convert("RGB"), tint, 0.6)
    result.putalpha(cutout.getchannel("A"))
    return result


def _difference(one: Image.Image, other: Image.Image) -> float:
    opaque = np.asarray(one)[..., 3] > 128
    change = np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64))[..., :3].mean(-1)
    return float(change[opaque].mean())


def warped(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """Returns the drawing with smooth random displacements of up to a fifth of its size."""
    noise = np.random.default_rng(rng.getrandbits(32))
    height, width = cutout.height, cutout.width
    strength = rng.uniform(0.09, 0.2) * min(width, height)
    cells = rng.choice((4, 5, 6))
    shifts = []
    for _ in range(2):
        grid = noise.uniform(-1, 1, (cells, cells))
        field = ndimage.zoom(grid, (height / cells, width / cells), order=3)[:height, :width]
        shifts.append(strength * field / np.abs(field).max())
    return _moved(cutout, shifts[0], shifts[1])


def melted(cutout: Image.Image, rng: random.Random) -> Image.Image:
    """Returns the drawing with its columns running down unevenly and its details blurred away."""
    noise = np.random.default_rng(rng.getrandbits(32))
    height, width = cutout.height, cutout.width
    columns = ndimage.zoom(noise.uniform(0, 1, rng.choice((6, 9, 12))), width / 6, order=3)
    columns = np.interp(np.linspace(0, 1, width), np.linspace(0, 1, len(columns)), columns)
    down = np.linspace(0, 1, height)[:, None] ** 1.3
    run = rng.uniform(0.35, 0.6) * height * np.clip(columns, 0, 1)[None, :] * down
    moved = _moved(cutout, -run, np.zeros_like(run))
    soft = ndimage.gaussian_filter(np.asarray(moved, np.float64), (0.045 * height, 0.012 * width, 0))
    return Image.fromarray(np.clip(soft, 0, 255).astype(np.uint8), "RGBA")


def _moved(cutout: Image.Image, down: NDArray[np.float64], right: NDArray[np.float64]) -> Image.Image:
    """Returns the drawing with each pixel taken from that many pixels further down and right."""
    pixels = np.asarray(cutout, np.float64)
    rows, columns = np.mgrid[: cutout.height, : cutout.width]
    at = np.stack([rows + down, columns + right])
    channels = [ndimage.map_coordinates(pixels[..., c], at, order=1, mode="constant") for c in range(4)]
    return Image.fromarray(np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8), "RGBA")
