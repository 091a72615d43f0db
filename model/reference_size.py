"""Sizes of reference pictures: the allowed ones, and how large ones are scaled down. No torch here."""

from __future__ import annotations

import math

from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.model.request import MAX_ASPECT, MIN_REFERENCE_SIDE, SIZE_MULTIPLE


def check_shape(picture: Image.Image) -> None:
    """Raises RequestError for a side below 64 pixels or an aspect ratio above 8:1."""
    width, height = picture.size
    if min(width, height) < MIN_REFERENCE_SIDE:
        raise RequestError(f"reference of {width}x{height}: both sides must be at least {MIN_REFERENCE_SIDE} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RequestError(f"reference of {width}x{height}: the aspect ratio must be at most {MAX_ASPECT}:1")


def has_allowed_shape(size: tuple[int, int]) -> bool:
    """Returns whether both sides are at least 64 pixels and the aspect ratio is at most 8:1."""
    return min(size) >= MIN_REFERENCE_SIDE and max(size) <= MAX_ASPECT * min(size)


def fit_area(picture: Image.Image, max_pixels: int) -> Image.Image:
    """Returns the picture, scaled down with Lanczos to at most `max_pixels`; never scaled up."""
    size = fitted_size(picture.size, max_pixels)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)


def fitted_size(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Returns the (width, height) of a picture of `size` after scaling it down to at most `max_pixels`."""
    width, height = size
    if width * height <= max_pixels:
        return size
    scale = math.sqrt(max_pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def prepared_grid(size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Returns the (height, width) in tokens of a prepared picture. size: its original (width, height) in pixels."""
    width, height = fitted_size(size, max_pixels)
    return height // SIZE_MULTIPLE, width // SIZE_MULTIPLE


def prepared_tokens(size: tuple[int, int], max_pixels: int) -> int:
    """Returns the tokens of a prepared picture. size: its original (width, height) in pixels."""
    return math.prod(prepared_grid(size, max_pixels))
