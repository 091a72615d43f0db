"""Tensors of a device, kept in the machine's memory while the device's is for others.

What is kept stands byte by byte in slabs of one size: pinned memory, from which a GPU reads by itself, is handed out in
powers of two, and a tensor of 680 MB would take 1 GiB.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

SLAB_BYTES = 1 << 28
LEAST_BYTES = 1 << 12
"""Smaller tensors stay on the device: all of a model's norms and scales together are a few megabytes."""


class HostBytes:
    """The bytes of tensors, in their order."""

    def __init__(self, tensors: Sequence[Tensor], pinned: bool) -> None:
        """pinned: in memory that a GPU reads by itself. Each tensor has to be dense. Raises RuntimeError where the
        machine has no memory for them."""
        *self._starts, self.nbytes = accumulate((nbytes(tensor) for tensor in tensors), initial=0)
        self._slabs = [
            torch.empty(min(SLAB_BYTES, self.nbytes - start), dtype=torch.uint8, pin_memory=pinned)
            for start in range(0, self.nbytes, SLAB_BYTES)
        ]
        for number, tensor in enumerate(tensors):
            for kept, given in self._pieces(number, tensor):
                kept.copy_(given)

    def read(self, number: int, into: Tensor) -> None:
        """Copy the bytes of a tensor into one of its size; on a GPU the copy is done before what is computed next."""
        for kept, wanted in self._pieces(number, into):
            wanted.copy_(kept, non_blocking=True)

    def _pieces(self, number: int, tensor: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The slabs' parts that hold a tensor, each with the tensor's own part."""
        flat = tensor.as_strided((tensor.numel(),), (1,)).view(torch.uint8)
        done, start = 0, self._starts[number]
        while done < flat.numel():
            slab, offset = divmod(start + done, SLAB_BYTES)
            count = min(SLAB_BYTES - offset, flat.numel() - done)
            yield self._slabs[slab][offset : offset + count], flat[done : done + count]
            done += count


class OffloadedWeights:
    """The weights of a module that can be offloaded. They are copied once, as nothing changes them."""

    def __init__(self, module: nn.Module) -> None:
        """Raises RuntimeError where the machine has no memory for them."""
        self._tensors = large_tensors(module)
        for tensor in self._tensors:
            if not dense(tensor):
                tensor.data = tensor.data.contiguous()
        self._layouts = [(tensor.shape, tensor.stride(), tensor.device) for tensor in self._tensors]
        on_gpu = any(tensor.device.type == "cuda" for tensor in self._tensors)
        self._kept = HostBytes([tensor.data for tensor in self._tensors], pinned=on_gpu)

    @property
    def gone(self) -> bool:
        """Whether none of the weights is on the device."""
        return not any(tensor.numel() for tensor in self._tensors)

    def leave(self) -> None:
        """Let go of the device's memory; the module can't be used until `restore`."""
        for tensor in self._tensors:
            tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)

    def restore(self) -> None:
        """Put the weights back, tensor by tensor; all of them leave again where one has no room, and the error is
        raised."""
        try:
            for number, (tensor, (shape, stride, device)) in enumerate(zip(self._tensors, self._layouts, strict=True)):
                back = torch.empty_strided(shape, stride, dtype=tensor.dtype, device=device)
                self._kept.read(number, back)
                tensor.data = back
        except BaseException:
            self.leave()
            raise


def large_tensors(module: nn.Module) -> list[Tensor]:
    """Parameters and buffers that are worth moving, each once."""
    tensors = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    return [tensor for tensor in tensors.values() if nbytes(tensor) >= LEAST_BYTES]


def nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def dense(tensor: Tensor) -> bool:
    """Whether the elements fill one piece of memory, in whatever order."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    return tensor.permute(order).is_contiguous()
