"""The folder of a private Ray. It's new for each run and open to this user only.

In Ray's own choice, `/tmp/ray`, everybody may write: another user of the machine could put sockets of theirs in the
place of Ray's, and have this process load what they send.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brandpress.model.errors import BrandpressError

MAX_PATH = 40
"""Characters: Ray appends up to 66 for a session and its sockets, and Linux allows 107 for a socket."""

_PREFIX = "bp-"
_RANDOM = 8  # characters that mkdtemp appends
_OPENED = "r"
"""Ray opens its folder to everybody, so it gets one inside of that which is open to this user only."""


class NoFolderError(BrandpressError):
    """There is no folder in which Ray could start."""


@contextmanager
def ray_folder() -> Iterator[str]:
    """Yields the `_temp_dir` for `ray.init`: a new folder, which is deleted afterwards.

    Raises NoFolderError if there is no place for it.
    """
    closed = _new_folder()
    try:
        yield f"{closed}/{_OPENED}"
    finally:
        shutil.rmtree(closed, ignore_errors=True)


def _new_folder() -> str:
    chosen = [folder for name in ("RAY_TMPDIR", "TMPDIR") if (folder := os.environ.get(name))]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for parent in (*chosen, "/tmp", "/var/tmp", runtime, "/dev/shm"):  # noqa: S108
        if len(f"{parent}/{_PREFIX}/{_OPENED}") + _RANDOM <= MAX_PATH and _is_usable(Path(parent)):
            try:
                return tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
            except OSError:
                continue
    raise NoFolderError(
        f"Ray needs a folder with a path of at most {MAX_PATH} characters that this user can write to, and in which "
        "others can't replace files, and found none; set TMPDIR to one"
    )


def _is_usable(folder: Path) -> bool:
    """Whether a folder can be made here that others can't replace: they may not write here, or, as in /tmp, only to
    what is theirs."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    shared = mode & (stat.S_IWGRP | stat.S_IWOTH) and not mode & stat.S_ISVTX
    return folder.is_absolute() and folder.is_dir() and not shared and os.access(folder, os.W_OK | os.X_OK)
