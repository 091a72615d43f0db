"""Reference pictures as the model takes them: checked, downscaled, cropped as in diffusers' `Flux2ImageProcessor`."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.errors import RequestError
from model.request import MAX_ASPECT, MIN_REFERENCE_SIDE, SIZE_MULTIPLE

DEFAULT_PIXELS = 1024 * 1024


def prepare_reference(picture: Image.Image, max_pixels: int = DEFAULT_PIXELS) -> Tensor:
    """A picture -> (1, 3, H, W) float32 in [-1, 1], H and W multiples of 16, at most `max_pixels` in area.

    Downscaled only, by Lanczos, in the picture's own mode; then cut to the centre; then turned to RGB. Raises
    RequestError for a side below 64 pixels or an aspect past 8:1.
    """
    check_shape(picture)
    picture = fit_area(picture, max_pixels)
    width, height = picture.size
    cut_width, cut_height = width - width % SIZE_MULTIPLE, height - height % SIZE_MULTIPLE
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    picture = picture.crop((left, top, left + cut_width, top + cut_height)).convert("RGB")
    pixels = torch.from_numpy(np.asarray(picture).astype(np.float32) / 255.0)
    return 2.0 * pixels.permute(2, 0, 1)[None] - 1.0


def check_shape(picture: Image.Image) -> None:
    """Raises RequestError for a side below 64 pixels or an aspect past 8:1."""
    width, height = picture.size
    if min(width, height) < MIN_REFERENCE_SIDE:
        raise RequestError(f"a reference is {width}x{height}; its sides must be at least {MIN_REFERENCE_SIDE} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RequestError(f"a reference is {width}x{height}; its aspect must be at most {MAX_ASPECT}:1")


def fit_area(picture: Image.Image, max_pixels: int) -> Image.Image:
    """The picture, scaled down by Lanczos to at most an area."""
    width, height = picture.size
    if width * height <= max_pixels:
        return picture
    scale = math.sqrt(max_pixels / (width * height))
    return picture.resize((int(width * scale), int(height * scale)), Image.Resampling.LANCZOS)


def to_picture(decoded: Tensor) -> Image.Image:
    """(3, H, W), about [-1, 1] -> an RGB picture, rounded as diffusers rounds."""
    pixels = (decoded.float() * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray((pixels * 255).round().astype(np.uint8))
