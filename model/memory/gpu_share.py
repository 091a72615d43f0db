"""How much memory of a GPU was free before the workers that share it loaded their models.

No worker can measure this once another one has loaded. So all workers of a GPU share a file that holds the most bytes
any of them has seen free. Each worker keeps a shared lock on the file while it lives. A file that nobody has locked is
from an earlier run and is overwritten.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

DIGITS = 32
FOLDER = Path(tempfile.gettempdir())
_descriptors: dict[Path, int] = {}
"""Of the locked files. The locks end with the process."""


def most_free(gpu: str, free: int) -> int:
    """Returns the most bytes of a GPU that any living worker has seen free, this one included.

    gpu: the GPU's UUID. free: what this process sees free now; returned as it is if the file can't be written. Workers
    with different temporary folders don't share their numbers.
    """
    file = FOLDER / f"brandpress-{os.getuid()}-{gpu}.free"
    try:
        if file not in _descriptors:
            _open_locked(file, free)
        recorded = os.pread(_descriptors[file], DIGITS, 0).strip()
        most = max(free, int(recorded)) if recorded.isdigit() else free
        os.pwrite(_descriptors[file], f"{most:{DIGITS}}".encode(), 0)
    except OSError:
        return free
    return most


def _open_locked(file: Path, free: int) -> None:
    """Open a file and take a shared lock on it. If no other process has a lock, write `free` first."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    _descriptors[file] = descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        os.pwrite(descriptor, f"{free:{DIGITS}}".encode(), 0)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
