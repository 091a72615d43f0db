"""Decodes downloaded pictures and checks their format and size."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from brandpress.model.errors import HostedError

FORMATS = ("PNG", "JPEG", "WEBP")


def decode_picture(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Returns an RGB picture of exactly `size` (width, height). Raises HostedError for any other data."""
    try:
        picture = Image.open(BytesIO(data), formats=FORMATS)
        # Checked before decoding: a small file can declare a size that fills the memory.
        if picture.size == size:
            return picture.convert("RGB")
    except Exception as error:  # Pillow raises many types for broken files
        raise HostedError(
            f"BFL's picture can't be read ({type(error).__name__}); received {len(data):,} bytes"
        ) from None
    raise HostedError(f"expected a picture of {size[0]}x{size[1]}, BFL returned {picture.width}x{picture.height}")
