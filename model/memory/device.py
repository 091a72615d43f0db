"""The device and the dtype that a model is computed on and in."""

from __future__ import annotations

import gc
import re
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from brandpress.model.errors import RequestError
from brandpress.model.memory.host import available_memory
from brandpress.model.memory.plan import DeviceMemory, machine_memory

SETTLE_SECONDS, ASK_AGAIN_SECONDS = 10.0, 0.5
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def device_of(name: str | None) -> torch.device:
    """The device of a name; the first GPU when there's none and a GPU. Raises RequestError."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise RequestError(f"device {name!r}: allowed are cpu, cuda, cuda:1 and so on") from error
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"device {name!r}: allowed are cpu, cuda, cuda:1 and so on")
    gpus = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and not gpus:
        raise RequestError(f"device {name!r}: torch {torch.__version__} sees no GPU; take cpu, or a torch for CUDA")
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise RequestError(f"device {name!r}: torch sees {gpus}: cuda:0 to cuda:{gpus - 1}")
    return device


def dtype_of(device: torch.device, name: str | None) -> torch.dtype:
    """The dtype of a name; bfloat16 on a GPU and float32 on a CPU when there's none. Raises RequestError."""
    wanted = name or ("float32" if device.type == "cpu" else "bfloat16")
    for dtype in DTYPES:
        if str(dtype) == f"torch.{wanted}":
            return dtype
    raise RequestError(f"dtype {name!r}: allowed are float32, bfloat16, float16")


def current(device: torch.device) -> AbstractContextManager[object]:
    """Work inside goes to `device`. torch's own functions go where their tensors are; Triton's kernels to the current
    GPU."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def driver_version() -> str:
    """Of CUDA, and of the driver where Linux says it: `cuda 13.0, driver 580.159.04`."""
    cuda = f"cuda {torch.version.cuda}"
    try:
        told = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return cuda
    found = re.search(r"\b\d+\.\d+(?:\.\d+)?\b", told)
    return f"{cuda}, driver {found[0]}" if found else cuda


def free_unused(device: torch.device) -> None:
    """Give memory that nothing refers to any more back to a device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def memory_of(device: torch.device, workers: int = 1) -> DeviceMemory:
    """A device's memory, and what of it this process can have, whatever others hold. workers: that share it."""
    if device.type != "cuda":
        return DeviceMemory("this machine", machine_memory(), available_memory(), workers)
    free, total = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    number = torch.cuda.current_device() if device.index is None else device.index
    name = f"cuda:{number} {torch.cuda.get_device_name(device)}"
    before = None
    if workers > 1:
        from brandpress.model.memory.gpu_share import most_free  # locks are POSIX's

        before = most_free(str(torch.cuda.get_device_properties(device).uuid), free + unused)
    return DeviceMemory(name, total, free + unused, workers, before)


def settled_memory(device: torch.device, workers: int, wanted: int) -> DeviceMemory:
    """`memory_of`, asked for some seconds while less than `wanted` bytes can be used that an empty device would have: a
    process that was ended a moment ago, as a worker whose place this one takes, may still hold its memory."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        memory = memory_of(device, workers)
        enough, possible = memory.usable >= wanted, replace(memory, free=memory.total, before=None).usable >= wanted
        if enough or not possible or time.monotonic() >= end:
            return memory
        time.sleep(ASK_AGAIN_SECONDS)


def limit_to_budget(device: torch.device, memory: DeviceMemory) -> None:
    """Let this process take no more of a shared device than its budget: running out is its own picture's failure then,
    and not another worker's."""
    if device.type == "cuda" and memory.workers > 1:
        torch.cuda.set_per_process_memory_fraction(memory.budget / memory.total, device)
