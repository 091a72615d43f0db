"""How much memory this process has held at most. Linux tells it; elsewhere the highest of the whole life is known."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""Written to CLEAR it makes the peak start anew from what is held now (proc(5))."""


def peak_bytes() -> int:
    """The most memory that this process has held. On Linux `ru_maxrss` won't do: a child starts with its parent's."""
    if STATUS.exists():
        return _status("VmHWM:")
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told if sys.platform == "darwin" else told * 1024


def settle() -> int:
    """Give unused memory back and start the peak anew; returns what is held, which `peak_bytes` starts from."""
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
