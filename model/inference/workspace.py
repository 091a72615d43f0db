"""Memory for the largest intermediates of a pass, which every block and step reuses."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Workspace:
    """Named buffers that grow as needed. A tensor is valid until its name is taken again.

    On a CPU, a large new tensor costs as much as a pass over it, because the system clears each of its pages. On a GPU,
    torch's allocator reuses freed memory itself, so every call allocates a new tensor.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """Returns an uninitialised tensor of `shape` with the dtype and device of `like`."""
        if like.device.type != "cpu":
            return torch.empty(shape, dtype=like.dtype, device=like.device)
        count = math.prod(shape)
        buffer = self._buffers.get((name, like.dtype))
        if buffer is None or buffer.numel() < count:
            buffer = self._buffers[name, like.dtype] = torch.empty(count, dtype=like.dtype)
        return buffer[:count].view(shape)
