"""What every rendered picture is checked for, without weights: exact size, not flat, not noise. The renderer itself
checks that its values are finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model.errors import UnusablePictureError
from brandpress.model.request import Failed, Rendered

TILES = 4
"""Tiles in each direction, spread evenly: their pixels alone decide whether a picture is noise."""
TILE_SIDE = 128

LEAST_DEVIATION = 28.0
"""Of a channel's values. Film grain has less."""
LEAST_INDEPENDENCE = 0.6
"""One minus the correlation of neighbouring pixels: 1 for white noise, below 0.3 even for sand and gravel."""
MOST_UNEVENNESS = 0.1
"""What the tiles' means and variances may differ, as shares of the variance: noise is the same everywhere."""
LEAST_COLOUR = 0.3
"""The variance of colour, per variance of brightness: a model's noise differs in each channel, grain doesn't."""


def usable(rendered: Rendered | Failed, size: tuple[int, int]) -> Rendered | Failed:
    """Returns a failure in place of a picture that no working model returns: of another size, with one colour all over,
    or white noise. size: (width, height) that was asked for."""
    if not isinstance(rendered, Rendered):
        return rendered
    problem = problem_of(rendered.picture, size)
    return rendered if problem is None else Failed(UnusablePictureError(problem))


def problem_of(picture: Image.Image, size: tuple[int, int]) -> str | None:
    """Returns why a picture is unusable; None if it isn't."""
    if picture.size != size:
        return "the picture has {}x{} pixels, and {}x{} were asked for".format(*picture.size, *size)
    picture = picture.convert("RGB")
    if picture.getcolors(maxcolors=1) is not None:
        colour = picture.crop((0, 0, 1, 1)).tobytes().hex()
        return f"every pixel of the picture has the colour #{colour}"
    return "the picture is white noise" if is_white_noise(picture) else None


def is_white_noise(picture: Image.Image) -> bool:
    """Returns whether an RGB picture is coloured noise without any structure.

    Errs on the picture's side: a texture, grain, halftone or static in grey is no noise here. Neither is what an
    autoencoder makes of noise in latents, which can't be told from confetti by its pixels (figures: docs/operation.md).
    """
    tiles = _tiles(picture)  # number, rows, columns, channels
    luma = tiles.mean(axis=3)
    variance = float(luma.var())
    if variance == 0 or float(np.sqrt(tiles.var(axis=(0, 1, 2)).min())) < LEAST_DEVIATION:
        return False
    steps = [float(np.square(np.diff(luma, axis=axis)).mean()) for axis in (1, 2)]
    independence = sum(steps) / 2 / (2 * variance)
    means, variances = luma.mean(axis=(1, 2)), luma.var(axis=(1, 2))
    unevenness = max(float(means.std()), float(np.sqrt(variances).std())) / variance**0.5
    colour = float((tiles[..., 0] - tiles[..., 1]).var()) / variance
    return independence > LEAST_INDEPENDENCE and unevenness < MOST_UNEVENNESS and colour > LEAST_COLOUR


def _tiles(picture: Image.Image) -> NDArray[np.float32]:
    """Returns the tiles (number, rows, columns, channels) of a picture of at least 16 by 16 pixels."""
    side = min(TILE_SIDE, picture.width // TILES, picture.height // TILES)
    lefts, tops = (
        [round((index + 0.5) * length / TILES - side / 2) for index in range(TILES)]
        for length in (picture.width, picture.height)
    )
    crops = (picture.crop((left, top, left + side, top + side)) for top in tops for left in lefts)
    return np.stack([np.asarray(crop, np.float32) for crop in crops])
