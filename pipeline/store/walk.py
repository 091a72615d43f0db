"""Lists the files below a folder, folder by folder, without following symlinks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def walk(root: Path, top: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yields the keys (paths relative to `root`) of all regular files below root/top, in no particular order.

    Yields nothing if the folder doesn't exist or a symlink is in its path. Raises OSError.
    """
    pending = [top]
    while pending:
        below = pending.pop()
        try:
            if any((root / part).is_symlink() for part in _path_prefixes(below)):
                continue
            files = list(os.scandir(root / below))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for file in files:
            key = f"{below}/{file.name}" if below else file.name
            if file.is_dir(follow_symlinks=False):
                pending.append(key)
            elif file.is_file(follow_symlinks=False):
                yield key, file


def _path_prefixes(below: str) -> list[str]:
    """`a/b/c` -> `a`, `a/b`, `a/b/c`."""
    segments = below.split("/") if below else []
    return ["/".join(segments[: index + 1]) for index in range(len(segments))]
