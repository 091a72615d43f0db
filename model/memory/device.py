"""The device and dtype that a model computes with, and the device's memory."""

from __future__ import annotations

import gc
import re
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from brandpress.model.errors import RequestError
from brandpress.model.memory.host import available_memory, machine_memory
from brandpress.model.memory.plan import DeviceMemory, Need

SETTLE_SECONDS, POLL_SECONDS = 10.0, 0.5
DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def device_of(name: str | None) -> torch.device:
    """Returns the device of a name; default: the first GPU, or the CPU if there is none. Raises RequestError."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise RequestError(f"device {name!r}: allowed are cpu, cuda, cuda:1 and so on") from error
    if device.type not in ("cpu", "cuda"):
        raise RequestError(f"device {name!r}: allowed are cpu, cuda, cuda:1 and so on")
    gpus = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and not gpus:
        raise RequestError(
            f"device {name!r}: torch {torch.__version__} finds no GPU; use cpu, or install a torch build for CUDA"
        )
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise RequestError(f"device {name!r}: torch finds {gpus} GPUs, cuda:0 to cuda:{gpus - 1}")
    return device


def dtype_of(device: torch.device, name: str | None) -> torch.dtype:
    """Returns the dtype of a name; default: bfloat16 on a GPU, float32 on a CPU. Raises RequestError."""
    dtype_name = name or ("float32" if device.type == "cpu" else "bfloat16")
    for dtype in DTYPES:
        if str(dtype) == f"torch.{dtype_name}":
            return dtype
    raise RequestError(f"dtype {name!r}: allowed are float32, bfloat16, float16")


def current(device: torch.device) -> AbstractContextManager[object]:
    """Returns a context in which `device` is torch's current GPU: Triton launches its kernels there, wherever their
    tensors are."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def driver_version() -> str:
    """Returns the versions of CUDA and, on Linux, of the driver: `cuda 13.0, driver 580.159.04`."""
    cuda = f"cuda {torch.version.cuda}"
    try:
        text = Path("/proc/driver/nvidia/version").read_text()
    except OSError:
        return cuda
    version = re.search(r"\b\d+\.\d+(?:\.\d+)?\b", text)
    return f"{cuda}, driver {version[0]}" if version else cuda


def free_unused(device: torch.device) -> None:
    """Return unreferenced memory to a device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def memory_of(device: torch.device, workers: int = 1) -> DeviceMemory:
    """Returns a device's memory and how much of it this process can use. workers: how many share the device."""
    if device.type != "cuda":
        return DeviceMemory("this machine", machine_memory(), available_memory(), workers)
    free, total = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    number = torch.cuda.current_device() if device.index is None else device.index
    name = f"cuda:{number} {torch.cuda.get_device_name(device)}"
    before = None
    if workers > 1:
        from brandpress.model.memory.gpu_share import most_free  # needs fcntl, which only POSIX has

        before = most_free(str(torch.cuda.get_device_properties(device).uuid), free + unused)
    return DeviceMemory(name, total, free + unused, workers, before)


def settled_memory(device: torch.device, workers: int, need: Need) -> DeviceMemory:
    """Returns `memory_of` the device, after waiting up to 10 seconds until the model fits as on an empty device:
    resident, or offloaded if the device is too small for that.

    A process that has just ended, such as the worker that this one replaces, can still hold memory for some seconds.
    Doesn't wait if even an empty device would have too little.
    """
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        memory = memory_of(device, workers)
        empty = replace(memory, free=memory.total, before=None).usable
        needed = need.resident if need.resident <= empty else need.offloaded
        if needed <= memory.usable or needed > empty or time.monotonic() >= end:
            return memory
        time.sleep(POLL_SECONDS)


def limit_to_budget(device: torch.device, memory: DeviceMemory) -> None:
    """Limit this process to its budget of a shared device, so that it can't make other workers run out of memory."""
    if device.type == "cuda" and memory.workers > 1:
        torch.cuda.set_per_process_memory_fraction(memory.budget / memory.total, device)
