"""Downloaded bytes -> a picture, once it's sure that they are the one that was asked for."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from brandpress.model.errors import HostedError

FORMATS = ("PNG", "JPEG", "WEBP")


def decode_picture(data: bytes, size: tuple[int, int]) -> Image.Image:
    """An RGB picture of exactly `size` (width, height). Raises HostedError for anything else."""
    try:
        picture = Image.open(BytesIO(data), formats=FORMATS)
        # Before decoding: a small file can claim a size that fills the memory.
        if picture.size == size:
            return picture.convert("RGB")
    except Exception as error:  # Pillow raises many kinds for broken files
        raise HostedError(f"BFL's picture can't be read ({type(error).__name__}); {len(data):,} bytes came") from None
    raise HostedError(f"BFL made {picture.width}x{picture.height}, asked were {size[0]}x{size[1]}")
