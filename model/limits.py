"""What any model of the family can be asked for. Raises RequestError, naming the field and what is allowed."""

from __future__ import annotations

from brandpress.model.errors import RequestError
from brandpress.model.request import (
    MAX_ASPECT,
    MAX_PIXELS,
    MAX_REFERENCE_PIXELS,
    MIN_REFERENCE_PIXELS,
    SIZE_MULTIPLE,
    RenderRequest,
)


def check_size(request: RenderRequest) -> None:
    """Width and height: multiples of 16, at most 4,194,304 pixels, at most 8:1."""
    width, height = request.width, request.height
    if width % SIZE_MULTIPLE or height % SIZE_MULTIPLE or min(width, height) <= 0:
        raise RequestError(f"size {width}x{height}: width and height must be multiples of {SIZE_MULTIPLE}")
    if width * height > MAX_PIXELS:
        raise RequestError(f"size {width}x{height}: at most {MAX_PIXELS:,} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RequestError(f"size {width}x{height}: the shape may be at most {MAX_ASPECT}:1")


def check_sources(request: RenderRequest, max_references: int) -> None:
    """The number of references, and the area that they're scaled down to."""
    if len(request.references) > max_references:
        raise RequestError(f"references: {len(request.references)} given, at most {max_references} allowed")
    pixels = request.reference_pixels
    if pixels is not None and not MIN_REFERENCE_PIXELS <= pixels <= MAX_REFERENCE_PIXELS:
        raise RequestError(
            f"reference_pixels {pixels:,}: allowed are {MIN_REFERENCE_PIXELS:,} (64x64) to {MAX_REFERENCE_PIXELS:,} "
            "(2024x2024)"
        )
