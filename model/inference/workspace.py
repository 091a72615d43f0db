"""Memory for a pass's largest intermediates, used again by every block and step."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Workspace:
    """Named buffers that grow to the largest use. What is taken under a name lasts until the name is taken again.

    On a CPU a large new tensor costs as much as a pass over it: the system hands out each of its pages and clears it.
    On a GPU torch's allocator keeps freed memory itself, and every take is a new tensor.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, torch.dtype], Tensor] = {}

    def take(self, name: str, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """An uninitialised tensor of `shape`, of the dtype and on the device of `like`."""
        if like.device.type != "cpu":
            return torch.empty(shape, dtype=like.dtype, device=like.device)
        count = math.prod(shape)
        held = self._held.get((name, like.dtype))
        if held is None or held.numel() < count:
            held = self._held[name, like.dtype] = torch.empty(count, dtype=like.dtype)
        return held[:count].view(shape)
