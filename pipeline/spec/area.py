"""Parses `reference_pixels:`, the area that reference pictures are scaled down to."""

from __future__ import annotations

import re

from brandpress.model.request import MAX_REFERENCE_PIXELS, MIN_REFERENCE_PIXELS
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

AREA_RULE = f"allowed: {MIN_REFERENCE_PIXELS:,} to {MAX_REFERENCE_PIXELS:,} pixels, as a whole number or WIDTHxHEIGHT"

_AREA = re.compile(r"([0-9]{1,7})x([0-9]{1,7})")


def parse_area(value: object) -> int:
    """Returns the pixels of a whole number or of a text like `1024x1024`. Raises WrongValueError."""
    if isinstance(value, str):
        match = _AREA.fullmatch(value.strip())
        if not match:
            raise WrongValueError(f"{quote(value)} isn't an area", AREA_RULE, _suggestion(value))
        pixels = int(match[1]) * int(match[2])
    elif isinstance(value, int) and not isinstance(value, bool):
        pixels = value
    else:
        raise WrongValueError(f"must be a number of pixels, not {kind(value)}", AREA_RULE)
    if not MIN_REFERENCE_PIXELS <= pixels <= MAX_REFERENCE_PIXELS:
        written = f"{quote(value.strip())}: " if isinstance(value, str) else ""
        raise WrongValueError(f"{written}{quote(f'{pixels:,}')[1:-1]} pixels are out of range", AREA_RULE)
    return pixels


def _suggestion(text: str) -> str:
    number = re.sub(r"[ _.,]", "", text)
    if number.isdecimal() and number.isascii():
        return number[:20]
    loose = re.fullmatch(r"\s*([0-9]{1,7})\s*[xX\u00d7*:]\s*([0-9]{1,7})\s*", text)
    return quote(f"{loose[1]}x{loose[2]}") if loose else ""
