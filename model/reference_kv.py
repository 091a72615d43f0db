"""Keys and values that references have in every layer, kept for passes in which their tokens don't run."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


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
        """Rows behind the references'."""
        return self.layers[0].key.shape[0] - self.length if self.layers else 0

    @property
    def nbytes(self) -> int:
        """Of the references' rows alone."""
        return sum(2 * self.length * key[0].numel() * key.element_size() for key, _ in self.layers)

    def fit(self, room: int) -> None:
        """Have exactly so much room, layer by layer: never twice the memory."""
        if room == self.room:
            return
        for number, layer in enumerate(self.layers):
            grown = [rows.new_empty((self.length + room, *rows.shape[1:])) for rows in layer]
            for new, old in zip(grown, layer, strict=True):
                new[: self.length] = old[: self.length]
            self.layers[number] = Layer(*grown)

    def write(self, number: int, offset: int, key: Tensor, value: Tensor) -> Layer:
        """Put rows (S, E, K) of a layer at `offset`: 0 for a pass in which the references run, `length` behind them.
        Returns all rows up to theirs."""
        layer, end = self.layers[number], offset + key.shape[0]
        layer.key[offset:end], layer.value[offset:end] = key, value
        return Layer(layer.key[:end], layer.value[:end])

    def to(self, device: torch.device) -> ReferenceKV:
        """A copy on a device, without room; in memory that a GPU can read by itself when it leaves one."""

        def moved(rows: Tensor) -> Tensor:
            pinned = device.type == "cpu" and rows.device.type == "cuda"
            shape = (self.length, *rows.shape[1:])
            copy = torch.empty(shape, dtype=rows.dtype, device=device, pin_memory=pinned)
            return copy.copy_(rows[: self.length], non_blocking=device.type == "cuda")

        return ReferenceKV([Layer(moved(layer.key), moved(layer.value)) for layer in self.layers], self.length)
