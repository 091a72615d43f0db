"""The machine's memory (not its GPUs'): how much a worker can use for offloaded weights and caches. No torch here."""

from __future__ import annotations

import os
import re
from pathlib import Path

from brandpress.model.memory.plan import Need

OFFLOAD_SHARE = 0.8
"""The share of a worker's memory that offloaded weights can take. The rest is for pictures and other processes."""

CACHE_DIVISOR = 4
"""A quarter of what offloaded weights leave is for reference sets that are evicted from the device."""

CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


def machine_memory() -> int:
    """Returns the bytes of memory that this machine has or its container is limited to."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(CGROUP / "memory.max")
    return min(total, int(limit)) if limit.isdecimal() else total


def available_memory() -> int:
    """Returns the bytes that processes of this machine or container can still allocate; file caches count as free."""
    meminfo = re.search(r"^MemAvailable:\s+(\d+) kB", _read(MEMINFO), re.MULTILINE)
    available = int(meminfo[1]) << 10 if meminfo else machine_memory()
    limit, used = _read(CGROUP / "memory.max"), _read(CGROUP / "memory.current")
    if limit.isdecimal() and used.isdecimal():
        files = re.search(r"^inactive_file (\d+)", _read(CGROUP / "memory.stat"), re.MULTILINE)
        available = min(available, int(limit) - int(used) + (int(files[1]) if files else 0))
    return max(0, min(available, machine_memory()))


class HostMemory:
    """One worker's share of its machine's memory, for offloaded weights and caches."""

    def __init__(self, share: int) -> None:
        """share: in bytes."""
        self._share = share
        self._taken = 0

    @classmethod
    def here(cls, workers: int) -> HostMemory:
        """Returns a worker's share: an equal part of this machine's memory, but no more than is available."""
        return cls(min(machine_memory() // max(1, workers), available_memory()))

    @property
    def room(self) -> int:
        """The bytes that weights can still take."""
        return max(0, int(self._share * OFFLOAD_SHARE) - self._taken)

    def take(self, size: int) -> bool:
        """Reserve `size` bytes for weights. Returns False if there is no room for them."""
        if size > self.room:
            return False
        self._taken += size
        return True

    def give_back(self, size: int) -> None:
        """Return `size` reserved bytes."""
        self._taken -= size

    def holds_offloaded(self, need: Need) -> bool:
        """Returns whether text encoder and transformer both have room."""
        return need.transformer + need.text_encoder <= self.room

    def cache_budget(self, reference_set: int, weights: int = 0) -> int:
        """Returns the bytes for evicted reference sets: a quarter of what offloaded weights leave, or one whole set if
        that needs at most half of it.

        reference_set: bytes of the largest set. weights: bytes of offloaded weights.
        """
        remaining = max(0, self._share - weights)
        return max(remaining // CACHE_DIVISOR, reference_set if reference_set <= remaining // 2 else 0)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
