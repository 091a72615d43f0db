"""Plain grounds: white, named colours and hex colours, as shops ask for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.shots import Shot
from brandpress.model.nano.evaluation.stranger import shot_requests
from brandpress.model.nano.measures import PictureRenderer

GROUNDS = (
    ("on a pure white background", (255, 255, 255)),
    ("isolated on white", (255, 255, 255)),
    ("on a plain #1f4d3a background", (31, 77, 58)),
    ("in front of a #f28222 wall", (242, 130, 34)),
    ("on a #3b2a5e backdrop", (59, 42, 94)),
    ("background colour #7fd1c7", (127, 209, 199)),
    ("on a seamless #d94f70 background", (217, 79, 112)),
    ("on #f2e3c6", (242, 227, 198)),
)
"""Wordings and their colours."""
_EDGE = 1 / 16
"""Width of the measured border, as a share of the picture's shorter side."""


def measure_grounds(
    renderer: PictureRenderer, brand: Brand, size: int, steps: int
) -> tuple[dict[str, float], list[Image.Image]]:
    """Returns the mean error of the borders' colours in levels of 255, for white and for hex colours, and the pictures.

    A border is measured on the left, right and top of the picture, by the median of each channel.
    """
    shots = []
    for index, (words, _) in enumerate(GROUNDS):
        product = brand.products[index % len(brand.products)]
        shots.append(Shot(f"Web shop photo of the {product.noun} {words}", (product,), (product,), 0))
    pictures = renderer.render(shot_requests(shots, size, steps))
    white: list[float] = []
    coloured: list[float] = []
    for picture, (_, colour) in zip(pictures, GROUNDS, strict=True):
        error = float(np.abs(border_colour(picture) - np.array(colour)).mean())
        (white if colour == (255, 255, 255) else coloured).append(error)
    return {"white": round(float(np.mean(white)), 1), "hex colours": round(float(np.mean(coloured)), 1)}, pictures


def border_colour(picture: Image.Image) -> NDArray[np.float64]:
    """Returns the median of each channel over the left, right and upper border."""
    pixels = np.asarray(picture.convert("RGB"), np.float64)
    edge = max(1, round(_EDGE * min(picture.size)))
    parts = (pixels[:edge], pixels[:, :edge], pixels[:, -edge:])
    median: NDArray[np.float64] = np.median(np.concatenate([part.reshape(-1, 3) for part in parts]), axis=0)
    return median
