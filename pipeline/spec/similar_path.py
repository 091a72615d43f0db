"""Finds the file that was probably meant by a path that doesn't exist."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from brandpress.pipeline.spec.closest import most_similar
from brandpress.pipeline.spec.messages import quote

MAX_ENTRIES = 10_000
"""Entries of a folder that are compared."""


def similar_path(file: str, path: Path) -> str:
    """Returns the quoted path of the most similar name in the folder of `path`, written as `file` is; "" without one.

    file: the path as somebody wrote it.
    """
    try:
        names = [entry.name for entry in islice(path.parent.iterdir(), MAX_ENTRIES)]
    except (OSError, ValueError):
        return ""
    near = most_similar(path.name, sorted(names))
    folder, slash, _ = file.rpartition("/")
    return "" if near is None or near == path.name else quote(f"{folder}{slash}{near}")
