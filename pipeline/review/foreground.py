"""Separates what a picture shows from a plain ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.pipeline.review.extras import require

TOLERANCE = 24
"""Largest difference, in levels of 255 in any channel, between a plain ground's pixels and its colour."""
PLAIN_SHARE = 0.85
"""Least share of the border's pixels that have the ground's colour in a picture with a plain ground."""
_BORDER = 1 / 40
_SPECK = 1 / 2000
"""Parts of the foreground that are smaller than this share of the picture are dust."""


@dataclass(frozen=True)
class Ground:
    """A plain ground: its colour (red, green, blue), and the pixels that belong to it, (height, width)."""

    colour: tuple[int, int, int]
    mask: NDArray[np.bool_]


def border_of(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the outer pixels of a picture, (n, 3); the border is a fortieth of the shorter side wide."""
    edge = max(1, round(_BORDER * min(pixels.shape[:2])))
    parts = (pixels[:edge], pixels[-edge:], pixels[edge:-edge, :edge], pixels[edge:-edge, -edge:])
    return np.concatenate([part.reshape(-1, 3) for part in parts])


def plain_ground(picture: Image.Image) -> Ground | None:
    """Returns the plain ground of a picture: what has the border's colour and is connected with the border.

    None if the border has no single colour. Raises MissingPackageError without scipy.
    """
    ndimage = require("scipy.ndimage", "ground", "review")
    pixels = np.asarray(picture.convert("RGB"))
    border = border_of(pixels)
    colour = np.median(border, axis=0)
    if float((np.abs(border - colour).max(-1) <= TOLERANCE).mean()) < PLAIN_SHARE:
        return None
    near = np.abs(pixels - colour).max(-1) <= TOLERANCE
    parts, _ = ndimage.label(near)
    outer = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    mask = np.isin(parts, outer[outer > 0])
    red, green, blue = (round(float(level)) for level in colour)
    return Ground((red, green, blue), mask)


def foreground(picture: Image.Image) -> NDArray[np.bool_] | None:
    """Returns the pixels of a picture that aren't transparent, or aren't part of its plain ground: (height, width).

    None if it has neither transparent pixels nor a plain ground, or nothing on it. Raises MissingPackageError.
    """
    if picture.mode == "RGBA":
        mask = np.asarray(picture.getchannel("A")) > 24
    else:
        ground = plain_ground(picture)
        if ground is None:
            return None
        mask = _without_specks(~ground.mask)
    return mask if mask.any() else None


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    ndimage = require("scipy.ndimage", "fill", "review")
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    large = sizes >= _SPECK * mask.size
    large[0] = False
    kept: NDArray[np.bool_] = large[parts]
    return kept


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Returns the box around a mask's pixels in pixels: left, upper, right, lower. There must be at least one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def cutout_of(picture: Image.Image) -> Image.Image:
    """Returns the picture's subject as RGBA, without margins; the whole picture if its ground isn't plain.

    Raises MissingPackageError without scipy.
    """
    mask = foreground(picture)
    if mask is None:
        return picture.convert("RGBA")
    if picture.mode != "RGBA":
        picture = picture.convert("RGBA")
        picture.putalpha(Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)))
    return picture.crop(box_of(mask))
