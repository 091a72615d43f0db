"""Keys and values that references have in every layer, kept for passes in which their tokens don't run."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from brandpress.model.memory.offload import HostBytes


class Layer(NamedTuple):
    """Keys (after norm and RoPE) and values of one layer, (rows, E, K) each: E heads of size K."""

    key: Tensor
    value: Tensor


class ReferenceKV:
    """A layer's first `length` rows are the references'. The rows behind are room for the keys and values of the
    picture that attends to them: so attention reads one tensor, and nothing is put together for it.
    """

    def __init__(self, layers: list[Layer], length: int) -> None:
        self.layers, self.length = layers, length

    @classmethod
    def empty(cls, layers: int, length: int, heads: int, size: int, like: Tensor) -> ReferenceKV:
        """Without room, of the dtype and on the device of `like`; to be written."""
        shape = (length, heads, size)
        return cls([Layer(like.new_empty(shape), like.new_empty(shape)) for _ in range(layers)], length)

    @property
    def room(self) -> int:
        """Rows behind the references', in every layer."""
        return min((self._room_of(layer) for layer in self.layers), default=0)

    def _room_of(self, layer: Layer) -> int:
        return layer.key.shape[0] - self.length

    @property
    def nbytes(self) -> int:
        """Of the references' rows alone."""
        return sum(2 * self.length * key[0].numel() * key.element_size() for key, _ in self.layers)

    def fit(self, room: int) -> None:
        """Have at least so much room; none gives back all that there is. Layer by layer: never twice the memory."""
        for number, layer in enumerate(self.layers):
            has = self._room_of(layer)  # of each: memory may have run out half-way the last time
            if room == has or 0 < room < has:
                continue
            moved = [rows.new_empty((self.length + room, *rows.shape[1:])) for rows in layer]
            for new, old in zip(moved, layer, strict=True):
                new[: self.length] = old[: self.length]
            self.layers[number] = Layer(*moved)

    def write(self, number: int, offset: int, key: Tensor, value: Tensor) -> Layer:
        """Put rows (S, E, K) of a layer at `offset`: 0 for a pass in which the references run, `length` behind them.
        Returns all rows up to theirs."""
        layer, end = self.layers[number], offset + key.shape[0]
        layer.key[offset:end], layer.value[offset:end] = key, value
        return Layer(layer.key[:end], layer.value[:end])


class OffloadedKV:
    """The references' rows of a ReferenceKV, in the machine's memory; they may come back to its device."""

    def __init__(self, kv: ReferenceKV) -> None:
        """Raises RuntimeError where the machine has no memory for them."""
        first = kv.layers[0].key
        self._shape, self._dtype, self._device = (kv.length, *first.shape[1:]), first.dtype, first.device
        self._layers = len(kv.layers)
        rows = [rows[: kv.length] for layer in kv.layers for rows in layer]
        self._copies = HostBytes(rows, pinned=first.device.type == "cuda")

    @property
    def nbytes(self) -> int:
        """Of the machine's memory."""
        return self._copies.nbytes

    def restored(self) -> ReferenceKV:
        """A copy on the device that it left, without room."""
        made = [torch.empty(self._shape, dtype=self._dtype, device=self._device) for _ in range(2 * self._layers)]
        for number, rows in enumerate(made):
            self._copies.read(number, rows)
        layers = [Layer(*made[number : number + 2]) for number in range(0, len(made), 2)]
        return ReferenceKV(layers, self._shape[0])
