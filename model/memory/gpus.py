"""The GPUs that this process may use, as CUDA_VISIBLE_DEVICES says, and their memory by nvidia-smi. No torch here.

The variable holds indices, UUIDs (GPU-…, from the beginning and as far as they are unique) or slices of a GPU (MIG-…).
CUDA takes its entries up to the first that is no device: an empty variable, or -1, hides all.
Source: NVIDIA, CUDA C++ Programming Guide, "CUDA Environment Variables".
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brandpress.model.memory.plan import DeviceMemory

VISIBLE = "CUDA_VISIBLE_DEVICES"
SLICE = "MIG-"
SECONDS = 10
_QUERY = ("--query-gpu=index,uuid,memory.total,memory.free,name", "--format=csv,noheader,nounits")
_SLICE = re.compile(r"MIG (\d+g\.(\d+)gb\S*).*UUID: (MIG-[^)\s]+)")
_ENTRY = re.compile(r"\d+|(?:GPU|MIG)-\S+")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or a slice of one. index: None for a slice."""

    index: str | None
    uuid: str
    memory: DeviceMemory


def visible_entries(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """The devices that the variable names; None where it isn't set, and all may be used."""
    if VISIBLE not in environment:
        return None
    entries: list[str] = []
    for entry in map(str.strip, environment[VISIBLE].split(",")):
        if not _ENTRY.fullmatch(entry) or entry in entries:
            break
        entries.append(entry)
    return tuple(entries)


def visible_gpus(environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """This machine's GPUs that may be used; none where nvidia-smi doesn't answer."""
    entries = visible_entries(environment)
    if entries == ():
        return ()
    gpus = _gpus(_ask(*_QUERY))
    if entries is None:
        return gpus
    if any(entry.startswith(SLICE) for entry in entries):
        gpus += _slices(_ask("-L"))
    found = [next((gpu for gpu in gpus if _is(gpu, entry)), None) for entry in entries]
    return tuple(gpu for gpu in found if gpu is not None)


def _is(gpu: Gpu, entry: str) -> bool:
    return gpu.index == entry if entry.isdecimal() else gpu.uuid.startswith(entry)


def _ask(*arguments: str) -> str:
    try:
        asked = ["nvidia-smi", *arguments]
        return subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def _gpus(told: str) -> tuple[Gpu, ...]:
    """`0, GPU-1b2c…, 81559, 81004, NVIDIA H100 80GB HBM3` a line, in MiB; `[N/A]` where there's none of its own."""
    rows: Sequence[list[str]] = [[cell.strip() for cell in line.split(",", 4)] for line in told.splitlines()]
    return tuple(
        Gpu(index, uuid, DeviceMemory(name, int(total) << 20, int(free) << 20))
        for index, uuid, total, free, name in (row for row in rows if len(row) == 5)
        if total.isdecimal() and free.isdecimal()
    )


def _slices(told: str) -> tuple[Gpu, ...]:
    """`MIG 1g.10gb Device 0: (UUID: MIG-…)` a line. How much of it is free isn't told there."""
    found = (_SLICE.search(line) for line in told.splitlines())
    return tuple(
        Gpu(None, slice[3], DeviceMemory(f"a slice {slice[1]}", int(slice[2]) * 10**9, int(slice[2]) * 10**9))
        for slice in found
        if slice
    )
