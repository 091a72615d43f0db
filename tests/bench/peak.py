"""The peak memory of this process: since `settle` on Linux, since the process started elsewhere."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""Written to CLEAR, it resets the peak to the current memory (proc(5))."""


def peak_bytes() -> int:
    """The peak memory in bytes. On Linux not from `ru_maxrss`, because a child starts with its parent's value."""
    if STATUS.exists():
        return _status("VmHWM:")
    max_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return max_rss if sys.platform == "darwin" else max_rss * 1024


def settle() -> int:
    """Releases unused memory, resets the peak, and returns the current memory in bytes."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    if CLEAR.exists():
        CLEAR.write_text(FORGET_PEAK)
    return peak_bytes()


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
