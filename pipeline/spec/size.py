"""Parses picture sizes: WIDTHxHEIGHT in pixels."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from brandpress.model.request import MAX_ASPECT, MAX_PIXELS, SIZE_MULTIPLE
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

MIN_SIDE = 64
SIZE_RULE = (
    f"allowed: WIDTHxHEIGHT, each a multiple of {SIZE_MULTIPLE} from {MIN_SIDE}, at most {MAX_PIXELS:,} pixels, "
    f"at most {MAX_ASPECT}:1"
)

_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def parse_size(value: object) -> Size:
    """Parses a text like `1024x768`. Raises WrongValueError, which suggests the nearest allowed size."""
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
