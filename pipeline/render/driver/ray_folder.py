"""The folder of a private Ray: Ray's own choice, unless it can't be written or is too long for the names of sockets."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brandpress.model.errors import BrandpressError

MAX_PATH = 40
"""Characters: Ray appends up to 66 for a session and its sockets, and Linux allows 107 for a socket."""

_PREFIX = "bp-"
_RANDOM = 8  # characters that mkdtemp appends


class NoFolderError(BrandpressError):
    """There is no folder in which Ray could start."""


@contextmanager
def ray_folder() -> Iterator[str | None]:
    """Yields the `_temp_dir` for `ray.init`: None if Ray's own choice works, otherwise a new folder.

    The new folder is deleted afterwards. Raises NoFolderError if there is none.
    """
    if _is_usable(_default()):
        yield None
        return
    folder = _short_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _default() -> Path:
    """Returns the folder that Ray would choose."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp") / "ray"  # noqa: S108


def _is_usable(folder: Path) -> bool:
    existing = folder if folder.exists() else folder.parent
    return folder.is_absolute() and len(str(folder)) <= MAX_PATH and _is_writable(existing)


def _is_writable(folder: Path) -> bool:
    try:
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    except OSError:
        return False


def _short_folder() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    for parent in ("/tmp", "/var/tmp", runtime, "/dev/shm"):  # noqa: S108
        if len(parent) + len(_PREFIX) + _RANDOM + 1 <= MAX_PATH and _is_writable(Path(parent)):
            try:
                return tempfile.mkdtemp(prefix=_PREFIX, dir=parent)
            except OSError:
                continue
    raise NoFolderError(
        f"Ray needs a folder with a path of at most {MAX_PATH} characters that this user can write to, and found none; "
        "set TMPDIR to one"
    )
