"""Percentages as people write them: `2%`, `32.3 %`."""

from __future__ import annotations

import re
from fractions import Fraction

_WRITTEN = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")


def parse_percentage(text: str) -> Fraction | None:
    """Returns exactly the number before the percent sign; None if it isn't one from 0 to 100."""
    match = _WRITTEN.fullmatch(text.strip())
    return Fraction(match[1]) if match and Fraction(match[1]) <= 100 else None
