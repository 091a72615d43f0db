"""The patterns for layers' names in PEFT's configs: regular expressions of strangers, of which only a part is allowed.

Names of layers and the numbers in them are short, so what is allowed takes no time: at most one `.*` per alternative,
and no groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from brandpress.model.errors import CheckpointError

MAX_PATTERN = 200
ALLOWED = r"names, ., \., \d+, [0-9], ^, $, | and one .* are"

_ALTERNATIVE = re.compile(r"\^?(?:[\w-]|\.\*?|\\\.|\\d\+?|\[(?:\w(?:-\w)?)+\])*\$?", re.ASCII)


def check_patterns(label: str, key: str, patterns: Any) -> None:
    """Raises CheckpointError unless `patterns` is an object whose keys are allowed patterns; absent is allowed, too.

    label: the place of the settings; key: their name there.
    """
    if not patterns:
        return
    if not isinstance(patterns, Mapping):
        raise CheckpointError(f"{label} can't be read: {key}: expected an object, got a {type(patterns).__name__}")
    for pattern in patterns:
        if not _is_allowed(str(pattern)):
            raise CheckpointError(
                f"{label} can't be read: {key} has the pattern {str(pattern)[:80]!r}, which isn't supported, because "
                f"it could take for ever to match; {ALLOWED}"
            )


def by_pattern(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value of the first pattern that matches the module's name, or its end after a dot. Checked patterns only."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default


def _is_allowed(pattern: str) -> bool:
    if len(pattern) > MAX_PATTERN:
        return False
    for alternative in pattern.split("|"):
        if not _ALTERNATIVE.fullmatch(alternative) or alternative.replace(r"\.", "").count(".*") > 1:
            return False
    try:
        re.compile(pattern)
    except re.error:  # [9-0]
        return False
    return True
