"""This machine's memory beside its GPUs': how much of it there is for a worker, and what it's for. No torch here."""

from __future__ import annotations

import re
from pathlib import Path

from brandpress.model.memory.plan import Need, machine_memory

OFFLOAD_SHARE = 0.8
"""Of what is available: offloaded weights. The rest is for pictures and other processes."""

CACHE_SHARE = 4
"""One part in so many of what weights leave is for reference sets that the device has no room for."""

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def available_memory() -> int:
    """Bytes that this machine, or its container, can still give to processes; caches of files count as free."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read(MEMINFO), re.MULTILINE)
    available = int(found[1]) << 10 if found else machine_memory()
    limit, used = _read(CGROUP / "memory.max"), _read(CGROUP / "memory.current")
    if limit.isdecimal() and used.isdecimal():
        files = re.search(r"^inactive_file (\d+)", _read(CGROUP / "memory.stat"), re.MULTILINE)
        available = min(available, int(limit) - int(used) + (int(files[1]) if files else 0))
    return max(0, min(available, machine_memory()))


class HostMemory:
    """What one worker may take of its machine's memory for weights and caches."""

    def __init__(self, share: int) -> None:
        """share: the worker's part of the memory, in bytes."""
        self._share = share
        self._taken = 0

    @classmethod
    def here(cls, workers: int) -> HostMemory:
        """A worker's part of this machine, where there are so many: no more than is available, as the others may have
        theirs already."""
        return cls(min(machine_memory() // max(1, workers), available_memory()))

    @property
    def room(self) -> int:
        """Bytes that weights may still take."""
        return max(0, int(self._share * OFFLOAD_SHARE) - self._taken)

    def take(self, count: int) -> bool:
        """Whether so many bytes of weights have room; they have it from now on."""
        if count > self.room:
            return False
        self._taken += count
        return True

    def holds_offloaded(self, need: Need) -> bool:
        """Returns whether text encoder and transformer both have room."""
        return need.transformer + need.text_encoder <= self.room

    def cache_budget(self, reference_set: int, weights: int = 0) -> int:
        """Bytes for reference sets, of which the largest has `reference_set`: a quarter of what `weights` leave, and
        one set at least if that is no more than half."""
        left = max(0, self._share - weights)
        return max(left // CACHE_SHARE, reference_set if reference_set <= left // 2 else 0)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
