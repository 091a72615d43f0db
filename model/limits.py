"""Limits on requests that all models share. Each check raises RequestError."""

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
    """Check width and height: multiples of 16, at most 4,194,304 pixels, at most 8:1."""
    width, height = request.width, request.height
    if width % SIZE_MULTIPLE or height % SIZE_MULTIPLE or min(width, height) <= 0:
        raise RequestError(f"size {width}x{height}: width and height must be multiples of {SIZE_MULTIPLE}")
    if width * height > MAX_PIXELS:
        raise RequestError(f"size {width}x{height}: at most {MAX_PIXELS:,} pixels are allowed")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise RequestError(f"size {width}x{height}: the aspect ratio must be at most {MAX_ASPECT}:1")


def check_references(request: RenderRequest, max_references: int) -> None:
    """Check the number of references and the area that they are scaled down to."""
    if len(request.references) > max_references:
        raise RequestError(f"references: got {len(request.references)}, at most {max_references} are allowed")
    pixels = request.reference_pixels
    if pixels is not None and not MIN_REFERENCE_PIXELS <= pixels <= MAX_REFERENCE_PIXELS:
        raise RequestError(
            f"reference_pixels {pixels:,}: allowed are {MIN_REFERENCE_PIXELS:,} (64x64) to {MAX_REFERENCE_PIXELS:,} "
            "(2024x2024)"
        )
