"""Copies of a device's tensors in the machine's memory, so that the device's memory can be freed.

The bytes of all tensors are packed into slabs of one size. Pinned memory, which a GPU reads without the CPU, is
allocated in powers of two, so a tensor of 680 MB would take 1 GiB without slabs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch
from torch import Tensor, nn

SLAB_BYTES = 1 << 28
MIN_BYTES = 1 << 12
"""Smaller tensors stay on the device: a model's norms and scales are a few megabytes in all."""


class HostBytes:
    """Copies of tensors in the machine's memory, in their order."""

    def __init__(self, tensors: Sequence[Tensor], pinned: bool) -> None:
        """tensors: each must be `dense`. pinned: whether a GPU will read the copies.

        Raises RuntimeError if the machine has no memory for them.
        """
        *self._starts, self.nbytes = accumulate((nbytes(tensor) for tensor in tensors), initial=0)
        self._slabs = [
            torch.empty(min(SLAB_BYTES, self.nbytes - start), dtype=torch.uint8, pin_memory=pinned)
            for start in range(0, self.nbytes, SLAB_BYTES)
        ]
        for number, tensor in enumerate(tensors):
            for stored, original in self._pieces(number, tensor):
                stored.copy_(original)

    def read(self, number: int, into: Tensor) -> None:
        """Copy tensor `number` into one of the same size. On a GPU, later work in the stream waits for it."""
        for stored, target in self._pieces(number, into):
            target.copy_(stored, non_blocking=True)

    def _pieces(self, number: int, tensor: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the pieces of the slabs that hold tensor `number`, each with the matching piece of `tensor`."""
        flat = tensor.as_strided((tensor.numel(),), (1,)).view(torch.uint8)
        position, start = 0, self._starts[number]
        while position < flat.numel():
            slab, offset = divmod(start + position, SLAB_BYTES)
            count = min(SLAB_BYTES - offset, flat.numel() - position)
            yield self._slabs[slab][offset : offset + count], flat[position : position + count]
            position += count


class OffloadedWeights:
    """The weights of a module, which can be removed from its device and restored.

    They are copied once: inference never changes them.
    """

    def __init__(self, module: nn.Module) -> None:
        """Copies the weights. Raises RuntimeError if the machine has no memory for them."""
        self._tensors = large_tensors(module)
        for tensor in self._tensors:
            if not dense(tensor):
                tensor.data = tensor.data.contiguous()
        self._layouts = [(tensor.shape, tensor.stride(), tensor.device) for tensor in self._tensors]
        on_gpu = any(tensor.device.type == "cuda" for tensor in self._tensors)
        self._copies = HostBytes([tensor.data for tensor in self._tensors], pinned=on_gpu)

    @property
    def removed(self) -> bool:
        """Whether the device has none of the weights."""
        return not any(tensor.numel() for tensor in self._tensors)

    def remove(self) -> None:
        """Free the device's memory. The module can't be used until `restore`."""
        for tensor in self._tensors:
            tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)

    def restore(self) -> None:
        """Copy the weights back to the device. If memory runs out, remove all of them again and raise the error."""
        try:
            for number, (tensor, (shape, stride, device)) in enumerate(zip(self._tensors, self._layouts, strict=True)):
                restored = torch.empty_strided(shape, stride, dtype=tensor.dtype, device=device)
                self._copies.read(number, restored)
                tensor.data = restored
        except BaseException:
            self.remove()
            raise


def large_tensors(module: nn.Module) -> list[Tensor]:
    """Returns the parameters and buffers that are worth offloading, each once."""
    tensors = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    return [tensor for tensor in tensors.values() if nbytes(tensor) >= MIN_BYTES]


def nbytes(tensor: Tensor) -> int:
    """Returns the bytes that a tensor's elements take."""
    return tensor.numel() * tensor.element_size()


def dense(tensor: Tensor) -> bool:
    """Returns whether the elements fill a contiguous piece of memory, in any order of dimensions."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    return tensor.permute(order).is_contiguous()
