"""Limits on requests that all models share. Each check raises RequestError."""

from __future__ import annotations

import math
from numbers import Integral, Real

from brandpress.model.errors import RequestError
from brandpress.model.request import (
    MAX_ASPECT,
    MAX_PIXELS,
    MAX_REFERENCE_PIXELS,
    MIN_REFERENCE_PIXELS,
    SIZE_MULTIPLE,
    RenderRequest,
)

SEEDS = range(-(1 << 63), 1 << 64)
"""The seeds that torch's generator takes."""


def check_types(request: RenderRequest) -> None:
    """Check that the prompt is text, and that width, height, seed and steps are whole numbers."""
    if not isinstance(request.prompt, str):
        raise RequestError(f"prompt: must be text, not {type(request.prompt).__name__}")
    for field in ("width", "height", "seed", "steps"):
        value = getattr(request, field)
        if value is None and field == "steps":
            continue
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise RequestError(f"{field} {value!r}: must be a whole number")
    if request.seed not in SEEDS:
        raise RequestError(f"seed {request.seed}: allowed are {SEEDS[0]} to {SEEDS[-1]}")


def check_guidance(guidance: float) -> None:
    """Check that guidance is a finite number."""
    if not isinstance(guidance, Real) or not math.isfinite(guidance):
        raise RequestError(f"guidance {guidance!r}: must be a finite number")


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
