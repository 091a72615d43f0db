"""The GPUs that CUDA_VISIBLE_DEVICES allows this process to use, with their memory from nvidia-smi. No torch here.

The variable lists indices, UUIDs (GPU-…, which can be cut to a unique prefix) or slices of a GPU (MIG-…). CUDA ignores
everything from the first invalid entry on, so that an empty variable or -1 hides all GPUs.
Indices are nvidia-smi's because `brandpress.model` sets CUDA_DEVICE_ORDER=PCI_BUS_ID, unless it is set.
Source: NVIDIA, CUDA C++ Programming Guide, "CUDA Environment Variables".
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from brandpress.model.memory.plan import DeviceMemory

VISIBLE = "CUDA_VISIBLE_DEVICES"
SLICE = "MIG-"
TIMEOUT_SECONDS = 10
_QUERY = ("--query-gpu=index,uuid,memory.total,memory.free,name", "--format=csv,noheader,nounits")
_SLICE = re.compile(r"MIG (\d+g\.(\d+)gb\S*).*UUID: (MIG-[^)\s]+)")
_ENTRY = re.compile(r"\d+|(?:GPU|MIG)-\S+")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU or a slice of one (MIG). index: None for a slice."""

    index: str | None
    uuid: str
    memory: DeviceMemory


def visible_entries(environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """Returns the variable's valid entries; None if it isn't set and all GPUs can be used."""
    if VISIBLE not in environment:
        return None
    entries: list[str] = []
    for entry in map(str.strip, environment[VISIBLE].split(",")):
        if not _ENTRY.fullmatch(entry) or entry in entries:
            break
        entries.append(entry)
    return tuple(entries)


def visible_gpus(environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Returns this machine's GPUs that the variable allows, in its order; none if nvidia-smi fails."""
    entries = visible_entries(environment)
    if entries == ():
        return ()
    output = _nvidia_smi(*_QUERY)
    gpus, indices = _parse_gpus(output), {line.split(",", 1)[0].strip() for line in output.splitlines()}
    if entries is None:
        return gpus
    if any(entry.startswith(SLICE) for entry in entries):
        gpus += _parse_slices(_nvidia_smi("-L"))
    existing = takewhile(lambda entry: not entry.isdecimal() or entry in indices, entries)
    visible = [next((gpu for gpu in gpus if _matches(gpu, entry)), None) for entry in existing]
    return tuple(gpu for gpu in visible if gpu is not None)


def _matches(gpu: Gpu, entry: str) -> bool:
    return gpu.index == entry if entry.isdecimal() else gpu.uuid.startswith(entry)


def _nvidia_smi(*arguments: str) -> str:
    """Returns the output of nvidia-smi, or nothing if it fails."""
    try:
        command = ["nvidia-smi", *arguments]
        completed = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True)  # noqa: S603
        return completed.stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _parse_gpus(output: str) -> tuple[Gpu, ...]:
    """Parses lines such as `0, GPU-1b2c…, 81559, 81004, NVIDIA H100 80GB HBM3`, in MiB.

    Skips GPUs without memory of their own, which have `[N/A]` there.
    """
    rows: Sequence[list[str]] = [[cell.strip() for cell in line.split(",", 4)] for line in output.splitlines()]
    return tuple(
        Gpu(index, uuid, DeviceMemory(name, int(total) << 20, int(free) << 20))
        for index, uuid, total, free, name in (row for row in rows if len(row) == 5)
        if total.isdecimal() and free.isdecimal()
    )


def _parse_slices(output: str) -> tuple[Gpu, ...]:
    """Parses lines such as `MIG 1g.10gb Device 0: (UUID: MIG-…)`. Takes all memory of a slice as free: the output
    doesn't say how much is."""
    matches = (_SLICE.search(line) for line in output.splitlines())
    return tuple(
        Gpu(None, match[3], DeviceMemory(f"a slice {match[1]}", int(match[2]) * 10**9, int(match[2]) * 10**9))
        for match in matches
        if match
    )
