"""Notices that weights were overwritten while they are in use.

On a CPU, tensors that need no conversion stay memory-mapped, so that a program which writes into their file changes the
loaded model. A file that is replaced by another of its name does no harm: the mapping keeps the old one.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from brandpress.model.checkpoint.contents import files_of, folder_files
from brandpress.model.checkpoint.describe import ModelDescription, check_unchanged

Stamp = tuple[int, int, int, int]


class MappedFiles:
    """The weight files of a loaded model."""

    def __init__(self, description: ModelDescription) -> None:
        self._description = description
        self._stamps = {path: stamp for path in _weights(description) if (stamp := _stamp(path)) is not None}

    def check(self) -> None:
        """Raises WeightsChangedError if anything was written into a file. Cheap unless a file's time has changed."""
        for path, before in list(self._stamps.items()):
            now = _stamp(path)
            if now is None or now[:2] != before[:2]:
                del self._stamps[path]  # nobody can write into the mapped file by its name any more
            elif now != before:
                check_unchanged(self._description)
                self._stamps[path] = now


def _weights(description: ModelDescription) -> list[Path]:
    parts = description.parts
    if parts is None:
        return []
    files = folder_files(parts.root) if parts.root is not None else []
    return [path for path in {*files, *(path for _, path in files_of(parts))} if path.suffix == ".safetensors"]


def _stamp(path: Path) -> Stamp | None:
    """Device, inode, size and time of modification of a file; None if it's gone."""
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
    return None
