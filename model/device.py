"""The device and the dtype that a model is computed on and in."""

from __future__ import annotations

import gc

import torch

from model.errors import RequestError
from model.memory import machine_memory

DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def device_of(name: str | None) -> torch.device:
    """The device of a name; the first GPU when there's none and a GPU. Raises RequestError."""
    try:
        return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise RequestError(f"device {name!r}: allowed are cpu, cuda, cuda:1 and so on") from error


def dtype_of(device: torch.device, name: str | None) -> torch.dtype:
    """The dtype of a name; bfloat16 on a GPU and float32 on a CPU when there's none. Raises RequestError."""
    wanted = name or ("float32" if device.type == "cpu" else "bfloat16")
    for dtype in DTYPES:
        if str(dtype) == f"torch.{wanted}":
            return dtype
    raise RequestError(f"dtype {name!r}: allowed are float32, bfloat16, float16")


def free_unused(device: torch.device) -> None:
    """Give memory that nothing refers to any more back to a device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def memory_of(device: torch.device) -> int:
    """Bytes of a device's memory."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return machine_memory()
