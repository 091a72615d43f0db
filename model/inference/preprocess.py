"""Prepares reference pictures as diffusers' `Flux2ImageProcessor` does, and converts decoded pictures to 8 bits."""

from __future__ import annotations

import hashlib
import weakref

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from brandpress.model.errors import UnusablePictureError
from brandpress.model.reference_size import check_shape, fit_area, prepared_grid
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.model.sampling_params import DEFAULT_REFERENCE_PIXELS


def prepare_reference(picture: Image.Image, max_pixels: int = DEFAULT_REFERENCE_PIXELS) -> Tensor:
    """Returns a picture as (1, 3, H, W) float32 in [-1, 1]. H and W are multiples of 16, with at most `max_pixels`.

    Scales larger pictures down with Lanczos in their own mode, crops around the centre, then converts to RGB. Raises
    RequestError for a side below 64 pixels or an aspect ratio above 8:1.
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
    """Returns a digest of everything that a picture shows: size, mode, transparency, pixels and palette."""
    picture.load()  # some formats read their palette only now
    palette, kind = (picture.palette.tobytes(), picture.palette.mode) if picture.palette else (b"", "")
    sha256 = hashlib.sha256(repr((picture.size, picture.mode, kind, picture.info.get("transparency"))).encode())
    sha256.update(palette)
    sha256.update(picture.tobytes())
    return sha256.digest()


class PictureDigests:
    """Computes each picture's digest once in its life: 12 megapixels take 0.2 seconds."""

    def __init__(self) -> None:
        self._digests: dict[int, bytes] = {}

    def __len__(self) -> int:
        """Returns the number of living pictures whose digest is known."""
        return len(self._digests)

    def of(self, picture: Image.Image) -> bytes:
        """Returns `picture_digest`. Don't change a picture after the first call."""
        key = id(picture)
        if key not in self._digests:
            self._digests[key] = picture_digest(picture)
            weakref.finalize(picture, self._digests.pop, key, None)  # its id can be reused
        return self._digests[key]


def pixels_digest(pixels: Tensor) -> str:
    """Returns a digest of prepared pixels and their shape."""
    return hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()


def value_range(*tensors: Tensor) -> Tensor:
    """Returns the lowest and the highest value of each tensor, as one float32 tensor on their device. A NaN in a
    tensor makes both of its values NaN."""
    return torch.stack([value.float() for tensor in tensors for value in torch.aminmax(tensor)])


def check_finite(values: Tensor) -> None:
    """Raises UnusablePictureError if one of a few values, in the machine's memory, is NaN or infinite."""
    if not values.isfinite().all():
        what = "NaN" if values.isnan().any() else "infinite values"
        raise UnusablePictureError(f"the model returned {what} instead of a picture")


def to_levels(decoded_CHW: Tensor) -> Tensor:
    """Returns a decoded picture, in about [-1, 1], as 8-bit levels (H, W, 3) on its device. Rounds like diffusers.
    Values must be finite: NaN would become black."""
    return ((decoded_CHW.float() * 0.5 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
