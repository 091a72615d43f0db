"""How many CPU cores this process has."""

from __future__ import annotations

import os


def available_cpus() -> int:
    """Returns the number of cores that this process is allowed to use."""
    available = getattr(os, "sched_getaffinity", None)
    return max(1, len(available(0)) if available is not None else os.cpu_count() or 1)
