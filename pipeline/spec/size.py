"""Parses picture sizes, and the area that reference pictures are scaled down to."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from brandpress.model.request import (
    MAX_ASPECT,
    MAX_PIXELS,
    MAX_REFERENCE_PIXELS,
    MIN_REFERENCE_PIXELS,
    SIZE_MULTIPLE,
)
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

MIN_SIDE = 64
SIZE_RULE = (
    f"allowed: WIDTHxHEIGHT, each a multiple of {SIZE_MULTIPLE} from {MIN_SIDE}, at most {MAX_PIXELS:,} pixels, "
    f"at most {MAX_ASPECT}:1"
)

AREA_RULE = f"allowed: {MIN_REFERENCE_PIXELS:,} to {MAX_REFERENCE_PIXELS:,} pixels, as a whole number or WIDTHxHEIGHT"

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
_AREA = re.compile(r"([0-9]{1,7})x([0-9]{1,7})")


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_size(value: object) -> Size:
    """Returns the size in a text like `1024x768`. Raises WrongValueError, which suggests the nearest allowed size."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be a size like 1024x1024, not {kind(value)}", SIZE_RULE)
    match = _SIZE.fullmatch(value.strip())
    if not match:
        loose = re.fullmatch(r"\s*([0-9]{1,6})\s*[xX\u00d7*:, ]\s*([0-9]{1,6})\s*", value)
        suggestion = quote(Size(int(loose[1]), int(loose[2]))) if loose else ""
        raise WrongValueError(f"{quote(value)} isn't a size", SIZE_RULE, suggestion)
    size = Size(int(match[1]), int(match[2]))
    violations = _violations(size)
    if violations:
        raise WrongValueError(f"{quote(value)}: {', '.join(violations)}", SIZE_RULE, quote(nearest(size)))
    return size


def nearest(size: Size) -> Size:
    """Returns an allowed size of about the same aspect ratio."""
    width, height = (min(max(side, MIN_SIDE), 1_000_000) for side in size)
    width, height = min(width, height * MAX_ASPECT), min(height, width * MAX_ASPECT)
    shrink = min(1.0, math.sqrt(MAX_PIXELS / (width * height)))
    step = SIZE_MULTIPLE

    def fit(side: float) -> int:
        return max(MIN_SIDE, int(side * shrink / step + 0.5) * step)

    fitted = Size(fit(width), fit(height))
    while _violations(fitted):
        smaller = Size(fitted.width - step, fitted.height) if fitted.width > fitted.height else None
        fitted = smaller or Size(fitted.width, fitted.height - step)
    return fitted


def parse_area(value: object) -> int:
    """Returns `reference_pixels:`, a whole number or a text like `1024x1024`, in pixels. Raises WrongValueError."""
    if isinstance(value, str):
        match = _AREA.fullmatch(value.strip())
        if not match:
            raise WrongValueError(f"{quote(value)} isn't an area", AREA_RULE, _area_suggestion(value))
        pixels = int(match[1]) * int(match[2])
    elif isinstance(value, int) and not isinstance(value, bool):
        pixels = value
    else:
        raise WrongValueError(f"must be a number of pixels, not {kind(value)}", AREA_RULE)
    if not MIN_REFERENCE_PIXELS <= pixels <= MAX_REFERENCE_PIXELS:
        written = f"{quote(value.strip())}: " if isinstance(value, str) else ""
        raise WrongValueError(f"{written}{quote(f'{pixels:,}')[1:-1]} pixels are out of range", AREA_RULE)
    return pixels


def _violations(size: Size) -> list[str]:
    violations = []
    for side, pixels in (("width", size.width), ("height", size.height)):
        if pixels < MIN_SIDE:
            violations.append(f"the {side} {pixels} is less than {MIN_SIDE}")
        elif pixels % SIZE_MULTIPLE:
            violations.append(f"the {side} {pixels} isn't a multiple of {SIZE_MULTIPLE}")
    if size.width * size.height > MAX_PIXELS:
        violations.append(f"{size.width * size.height:,} pixels exceed {MAX_PIXELS:,}")
    if max(size) > MAX_ASPECT * max(1, min(size)):
        violations.append(f"the aspect ratio is more than {MAX_ASPECT}:1")
    return violations


def _area_suggestion(text: str) -> str:
    number = re.sub(r"[ _.,]", "", text)
    if number.isdecimal() and number.isascii():
        return number[:20]
    loose = re.fullmatch(r"\s*([0-9]{1,7})\s*[xX\u00d7*:]\s*([0-9]{1,7})\s*", text)
    return quote(f"{loose[1]}x{loose[2]}") if loose else ""
