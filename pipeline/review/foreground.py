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
    """A plain ground: its colour (red, green, blue), and the pixels that belong to it, (height, width).

    enclosed: the pixels of its colour inside the subject, which may be holes or parts of it.
    """

    colour: tuple[int, int, int]
    mask: NDArray[np.bool_]
    enclosed: NDArray[np.bool_]


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
    return Ground((red, green, blue), mask, near & ~mask)


def foreground(picture: Image.Image) -> NDArray[np.bool_] | None:
    """Returns the pixels of a picture that aren't transparent, or aren't part of its plain ground: (height, width).

    None if it has neither transparent pixels nor a plain ground, or nothing on it. Raises MissingPackageError.
    """
    return _foreground(picture, None if picture.mode == "RGBA" else plain_ground(picture))


def _foreground(picture: Image.Image, ground: Ground | None) -> NDArray[np.bool_] | None:
    if picture.mode == "RGBA":
        mask = np.asarray(picture.getchannel("A")) > 24
    elif ground is None:
        return None
    else:
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


def cutouts_of(picture: Image.Image) -> tuple[Image.Image, ...]:
    """Returns the picture's subject as RGBA, without margins; the whole picture if its ground isn't plain.

    If the subject encloses areas of the ground's colour, such as between the spokes of a wheel, a second picture has
    them transparent: nobody can tell white paint from a hole. Raises MissingPackageError without scipy.
    """
    ground = None if picture.mode == "RGBA" else plain_ground(picture)
    mask = _foreground(picture, ground)
    if mask is None:
        return (picture.convert("RGBA"),)
    if ground is None:
        return (picture.crop(box_of(mask)),)
    masks = [mask]
    holes = _without_specks(ground.enclosed)
    if holes.any() and (pierced := mask & ~holes).any():
        masks.append(pierced)
    return tuple(_with_alpha(picture, one).crop(box_of(mask)) for one in masks)


def _with_alpha(picture: Image.Image, mask: NDArray[np.bool_]) -> Image.Image:
    result = picture.convert("RGBA")
    result.putalpha(Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)))
    return result
