"""Checks the names of delivered pictures: safe as object keys, and as file names on every system."""

from __future__ import annotations

import re

from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError

MAX_SEGMENT = 180  # characters, which leaves room for the render key's digits and the extension
MAX_NAME = 500

_RULE = "allowed: letters, digits, '-', '_' and '.', with '/' between folders"
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def check_name(name: str) -> None:
    """Raises WrongValueError for a name that isn't safe on every system or that leaves the campaign's folder."""
    if not name:
        raise WrongValueError("an empty name can't be delivered", _RULE)
    if len(name) > MAX_NAME:
        raise WrongValueError(f"the name {quote(name)} has {len(name):,} characters", f"allowed: at most {MAX_NAME}")
    if name.startswith("/"):
        raise WrongValueError(f"the name {quote(name)} is an absolute path", _RULE)
    for segment in name.split("/"):
        _check_segment(segment, name)


def _check_segment(segment: str, name: str) -> None:
    if not segment:
        raise WrongValueError(f"the name {quote(name)} has an empty folder or file name", _RULE)
    if segment in (".", ".."):
        raise WrongValueError(f"the name {quote(name)} leaves its folder ({quote(segment)})", _RULE)
    bad = re.search(r"[^A-Za-z0-9._-]", segment)
    if bad:
        hint = " (the filter '| slug' turns any text into a safe name)"
        raise WrongValueError(f"the name {quote(name)} contains {quote(bad[0])}", _RULE + hint)
    if segment.startswith("."):
        raise WrongValueError(
            f"the name {quote(name)} has a hidden file or folder, {quote(segment)}", "start with a letter or digit"
        )
    if segment.endswith("."):
        raise WrongValueError(
            f"in the name {quote(name)}, {quote(segment)} ends with a dot", "end with a letter or digit"
        )
    if _RESERVED.fullmatch(segment):
        raise WrongValueError(
            f"in the name {quote(name)}, {quote(segment)} is reserved on Windows", "choose another name"
        )
    if len(segment) > MAX_SEGMENT:
        what = f"the name {quote(name)} has a part of {len(segment):,} characters"
        raise WrongValueError(what, f"allowed: at most {MAX_SEGMENT} between two '/'")
