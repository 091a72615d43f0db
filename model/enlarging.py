"""Pictures too large for a model that was trained on small ones: rendered small, then enlarged. No torch here."""

from __future__ import annotations

import math
from itertools import product

from PIL import Image, ImageOps

from brandpress.model.request import SIZE_MULTIPLE

ENLARGED_ABOVE = 4
"""A picture is enlarged if its area is more than this many times the model's base area."""


def sampled_size(width: int, height: int, base_pixels: int | None) -> tuple[int, int]:
    """Returns the (width, height) that a picture is rendered at, in pixels, multiples of 16.

    base_pixels: the area that larger pictures are rendered at (see ENLARGED_ABOVE); None enlarges nothing. Of the sizes
    around that area, the one whose proportions are nearest to the picture's.
    """
    if base_pixels is None or width * height <= ENLARGED_ABOVE * base_pixels:
        return width, height
    scale = math.sqrt(base_pixels / (width * height)) / SIZE_MULTIPLE
    sides = [{max(1, math.floor(side * scale)), max(1, math.ceil(side * scale))} for side in (width, height)]
    across, down = min(product(*map(sorted, sides)), key=lambda size: abs(math.log(size[0] / size[1] * height / width)))
    return SIZE_MULTIPLE * across, SIZE_MULTIPLE * down


def sampled_pixels(width: int, height: int, base_pixels: int | None) -> int:
    """Returns the area of `sampled_size`."""
    return math.prod(sampled_size(width, height, base_pixels))


def enlarged(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Returns the picture, enlarged with Lanczos until it covers this size, and cut to it in the middle."""
    if picture.size == (width, height):
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
