"""What was free of a GPU before the workers that share it loaded, which none of them sees alone.

Each worker of a GPU writes the most that it has seen free to a file of the GPU's, and holds the file locked while it
lives; a file that nobody holds is of an earlier run, and is begun anew.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

DIGITS = 32
FOLDER = Path(tempfile.gettempdir())
_held: dict[Path, int] = {}
"""Descriptors by file; the locks end with the process."""


def most_free(gpu: str, free: int) -> int:
    """The most bytes that this process or another one alive has seen free of a GPU; `free` is what this one sees now.
    Where no file can be written it's `free` alone. Workers that see other folders don't know of each other."""
    file = FOLDER / f"brandpress-{os.getuid()}-{gpu}.free"
    try:
        if file not in _held:
            _hold(file, free)
        seen = os.pread(_held[file], DIGITS, 0).strip()
        most = max(free, int(seen)) if seen.isdigit() else free
        os.pwrite(_held[file], f"{most:{DIGITS}}".encode(), 0)
    except OSError:
        return free
    return most


def _hold(file: Path, free: int) -> None:
    """Lock a file together with others, and begin it anew where nobody else has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _held[file] = descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        os.pwrite(descriptor, f"{free:{DIGITS}}".encode(), 0)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
