"""The digest of a checkpoint's files, which is part of render keys."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from brandpress.model.checkpoint.contents import files_of, folder_files
from brandpress.model.checkpoint.files import check_regular
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.errors import CheckpointError
from brandpress.model.user_cache import user_cache


def parts_digest(parts: Parts) -> str:
    """The digest of the folder if no part is replaced; otherwise sha256 over the files of each part, and the LoRAs with
    their scales. Raises CheckpointError for a file that can't be read."""
    if parts.root is not None and not parts.overridden:
        return folder_digest(parts.root)
    return _digest(lambda cache: [f"{purpose} {cache.digest(file)}" for purpose, file in files_of(parts)])


def folder_digest(folder: Path) -> str:
    """sha256 over the names and digests of all files that affect pixels, sorted by name.

    Digests of large files are cached, keyed by path, size, times of modification and change, and inode: 60 GB are read
    once, not for each plan. Raises CheckpointError for a file that can't be read.
    """
    files = folder_files(folder)
    return _digest(lambda cache: [f"{p.relative_to(folder).as_posix()} {cache.digest(p)}" for p in files])


def _digest(lines: Callable[[_DigestCache], list[str]]) -> str:
    cache = _DigestCache()
    try:
        text = "\n".join(lines(cache))
    except OSError as error:
        raise CheckpointError(f"{error.filename} can't be read: {error.strerror}") from error
    cache.save()
    return hashlib.sha256(text.encode()).hexdigest()


_OF_THIS_PROCESS: dict[str, str] = {}
"""Digests of large files, for users without a cache folder: files are checked each time that parts are read."""


class _DigestCache:
    """Digests of large files, stored in the user's cache folder. Errors of reading or writing the cache are ignored."""

    min_bytes = 1 << 20

    def __init__(self) -> None:
        folder = user_cache()
        self._path = None if folder is None else folder / "digests.json"
        self._added: dict[str, str] = {}
        try:
            loaded = json.loads(self._path.read_bytes()) if self._path else {}
        except (OSError, ValueError):
            loaded = {}
        self._digests: dict[str, str] = loaded if isinstance(loaded, dict) else {}
        if self._path is None:
            self._digests = _OF_THIS_PROCESS

    def digest(self, path: Path) -> str:
        """The sha256 of a file, in hex."""
        check_regular(path)
        target = path.resolve()
        stat = target.stat()
        if stat.st_size < self.min_bytes:
            return hashlib.sha256(target.read_bytes()).hexdigest()
        key = f"{target}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}|{stat.st_ctime_ns}"
        if key not in self._digests:
            with target.open("rb") as file:
                self._digests[key] = self._added[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[key]

    def save(self) -> None:
        """Write the cache if digests were added."""
        if not self._added or self._path is None:
            return
        partial = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self._digests))
            partial.replace(self._path)
        except OSError:
            with suppress(OSError):
                partial.unlink()
