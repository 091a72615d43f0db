"""Reference pictures as the model takes them: checked, downscaled, cropped as in diffusers' `Flux2ImageProcessor`."""

from __future__ import annotations

import hashlib
import weakref

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from brandpress.model.reference_size import check_shape, fit_area, prepared_grid
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.model.sampling_params import DEFAULT_REFERENCE_PIXELS


def prepare_reference(picture: Image.Image, max_pixels: int = DEFAULT_REFERENCE_PIXELS) -> Tensor:
    """A picture -> (1, 3, H, W) float32 in [-1, 1], H and W multiples of 16, at most `max_pixels` in area.

    Downscaled only, by Lanczos, in the picture's own mode; then cut to the centre; then turned to RGB. Raises
    RequestError for a side below 64 pixels or an aspect past 8:1.
    """
    check_shape(picture)
    picture = fit_area(picture, max_pixels)
    width, height = picture.size
    cut_height, cut_width = (SIZE_MULTIPLE * tokens for tokens in prepared_grid(picture.size, max_pixels))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    picture = picture.crop((left, top, left + cut_width, top + cut_height)).convert("RGB")
    pixels = torch.from_numpy(np.asarray(picture).astype(np.float32) / 255.0)
    return 2.0 * pixels.permute(2, 0, 1)[None] - 1.0


def picture_digest(picture: Image.Image) -> bytes:
    """A digest of all that a picture shows: its size, mode, pixels, and the palette where it has one."""
    picture.load()  # some formats only then know their palette
    palette, kind = (picture.palette.tobytes(), picture.palette.mode) if picture.palette else (b"", "")
    made = hashlib.sha256(repr((picture.size, picture.mode, kind, picture.info.get("transparency"))).encode())
    made.update(palette)
    made.update(picture.tobytes())
    return made.digest()


class PictureDigests:
    """The digests of pictures, each worked out once in a picture's life: 12 megapixels take a fifth of a second."""

    def __init__(self) -> None:
        self._digests: dict[int, bytes] = {}

    def of(self, picture: Image.Image) -> bytes:
        """`picture_digest`. A picture mustn't be changed once it was given."""
        key = id(picture)
        if key not in self._digests:
            self._digests[key] = picture_digest(picture)
            weakref.finalize(picture, self._digests.pop, key, None)  # another picture may get its id
        return self._digests[key]


def pixels_digest(pixels: Tensor) -> str:
    """A digest of prepared pixels and their shape."""
    return hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()


def to_levels(decoded: Tensor) -> Tensor:
    """(3, H, W), about [-1, 1] -> levels (H, W, 3) of 8 bits, rounded as diffusers rounds, on the same device."""
    return ((decoded.float() * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()


def to_picture(decoded: Tensor) -> Image.Image:
    """(3, H, W), about [-1, 1] -> an RGB picture, rounded as diffusers rounds."""
    return Image.fromarray(to_levels(decoded).cpu().numpy())
