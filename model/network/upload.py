"""Tensors on their way to a device, without anything that waits for them."""

from __future__ import annotations

import torch
from torch import Tensor


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU's memory on `device`. A GPU copies it when its queue gets there; the CPU goes on."""
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def download(tensor: Tensor) -> Tensor:
    """A tensor in the CPU's memory, pinned where it comes from a GPU. Its values are there for work that is queued on
    the same stream afterwards; whoever reads it on the CPU waits for an event first."""
    if tensor.device.type != "cuda":
        return tensor.cpu()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor, non_blocking=True)
