"""Copies between the CPU and a device that don't block the CPU."""

from __future__ import annotations

import torch
from torch import Tensor


def copy_to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Returns a copy of a CPU tensor on `device`. A copy to a GPU is queued behind its earlier work."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def copy_to_host(tensor: Tensor) -> Tensor:
    """Returns a copy in CPU memory, pinned if it comes from a GPU.

    The values are valid for work queued later on the same stream. Wait for an event before you read them on the CPU.
    """
    if tensor.device.type != "cuda":
        return tensor.cpu()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor, non_blocking=True)
