"""Remembers what was seen in picture files, so that a catalogue's pictures are decoded once and not in each run.

An entry belongs to a file's path, device, inode, size and times of modification and change. A file that changed in the
last seconds isn't remembered, because it may change again within the clock's resolution. A cache that can't be used is
ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import PIL

from brandpress.model.user_cache import user_cache

VERSION = 1
"""Increment it when decoding finds other sizes, transparency or warnings in the same file."""

SETTLED_SECONDS = 2
MAX_ENTRIES = 1_000_000
_FILE = "pictures.sqlite3"
_BATCH = 500
_TABLE = "CREATE TABLE IF NOT EXISTS seen (file TEXT PRIMARY KEY, state TEXT NOT NULL, picture TEXT NOT NULL)"
_SHA256 = re.compile(r"[0-9a-f]{64}")

Seen = dict[str, Any]
"""sha256, width, height, transparent, warnings."""


def key_of(path: Path, file: str) -> str:
    """Returns the key of a file. file: its path as written, which warnings about it quote."""
    return hashlib.sha256(os.fsencode(path) + b"\0" + file.encode("utf-8", "surrogatepass")).hexdigest()


def state_of(status: os.stat_result) -> str:
    """Returns what changes whenever a file does."""
    parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return ".".join(map(str, (VERSION, PIL.__version__, *parts)))


def is_settled(status: os.stat_result) -> bool:
    """Whether a file has been left alone long enough that another change would be noticed."""
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_SECONDS * 10**9


class PictureCache:
    """A cache of what was seen in files. folder: default, the user's cache folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or user_cache()

    def read(self, states: Mapping[str, str]) -> dict[str, Seen]:
        """Returns key -> what was seen, of the files that haven't changed since. states: key -> `state_of` the file."""
        remembered: dict[str, Seen] = {}
        keys = [*states]
        if self._folder is None or not (self._folder / _FILE).is_file():
            return remembered
        with suppress(sqlite3.Error, OSError), closing(self._open()) as database:
            for start in range(0, len(keys), _BATCH):
                batch = keys[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                query = f"SELECT file, state, picture FROM seen WHERE file IN ({marks})"  # noqa: S608 - only marks
                for key, state, picture in database.execute(query, batch):
                    seen = _parsed(picture) if state == states.get(key) else None
                    if seen is not None:
                        remembered[key] = seen
        return remembered

    def write(self, entries: Mapping[str, tuple[str, Seen]]) -> None:
        """Remembers key -> (state, what was seen). Does nothing if that isn't possible."""
        if self._folder is None or not entries:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._write(entries)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, read-only or full
                return
            with suppress(OSError, sqlite3.Error):  # not a database: start again
                (self._folder / _FILE).unlink()
                self._write(entries)
        except OSError:
            return

    def _write(self, entries: Mapping[str, tuple[str, Seen]]) -> None:
        rows = [(key, state, json.dumps(seen)) for key, (state, seen) in entries.items()]
        with closing(self._open()) as database, database:
            database.execute(_TABLE)
            [count] = database.execute("SELECT count(*) FROM seen").fetchone()
            if count + len(rows) > MAX_ENTRIES:
                database.execute("DELETE FROM seen")
            database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows)

    def _open(self) -> sqlite3.Connection:
        assert self._folder is not None  # noqa: S101 - callers check it
        return sqlite3.connect(self._folder / _FILE, timeout=2)


def _parsed(picture: object) -> Seen | None:
    """Returns an entry if it is one that this version writes; None for anything else."""
    try:
        seen = json.loads(str(picture))
        valid = (
            seen.keys() == {"sha256", "width", "height", "transparent", "warnings"}
            and _SHA256.fullmatch(seen["sha256"]) is not None
            and all(type(seen[side]) is int and seen[side] > 0 for side in ("width", "height"))
            and type(seen["transparent"]) is bool
            and isinstance(seen["warnings"], list)
            and all(isinstance(warning, str) for warning in seen["warnings"])
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return seen if valid else None
