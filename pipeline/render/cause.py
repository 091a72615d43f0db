"""An exception in one short line, for records and people."""

from __future__ import annotations

import re

from model.errors import BrandpressError

LONGEST = 300
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?]*)\?\S*")


def cause_of(error: BaseException) -> str:
    """What went wrong, in at most 300 characters: our own errors as they read, others with their kind in front.

    Passwords and queries of addresses are cut out: they may be secrets.
    """
    lines = str(error).strip().splitlines()
    text = lines[0].strip() if lines else ""
    if not isinstance(error, BrandpressError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    text = _QUERY.sub(r"\1", _USER_INFO.sub("", text))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
