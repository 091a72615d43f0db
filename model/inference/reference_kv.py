"""The keys and values of references in every layer, kept for passes that leave the references out.

Legend: E heads, K head size, S rows of a picture.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from brandpress.model.memory.offload import HostBytes


class Layer(NamedTuple):
    """Keys (after norm and RoPE) and values of one layer, (rows, E, K) each."""

    key: Tensor
    value: Tensor


class ReferenceKV:
    """The keys and values of a reference set, with room for those of the picture that attends to them.

    The first `length` rows of every layer belong to the references. The rows after them are room: the picture writes
    its own keys and values there, so that attention reads one tensor and nothing has to be concatenated.
    """

    def __init__(self, layers: list[Layer], length: int) -> None:
        self.layers, self.length = layers, length

    @classmethod
    def empty(cls, layers: int, length: int, heads: int, size: int, like: Tensor) -> ReferenceKV:
        """Returns uninitialised keys and values without room, with the dtype and device of `like`."""
        shape = (length, heads, size)
        return cls([Layer(like.new_empty(shape), like.new_empty(shape)) for _ in range(layers)], length)

    @property
    def room(self) -> int:
        """The rows after the references' that every layer has at least."""
        return min((self._room_of(layer) for layer in self.layers), default=0)

    def _room_of(self, layer: Layer) -> int:
        return layer.key.shape[0] - self.length

    @property
    def nbytes(self) -> int:
        """The bytes of the references' rows, without room."""
        return sum(2 * self.length * key[0].numel() * key.element_size() for key, _ in self.layers)

    def fit(self, room: int) -> None:
        """Provide room for at least `room` rows; 0 frees all room.

        Copies one layer at a time, so that never more than one is in memory twice.
        """
        for number, layer in enumerate(self.layers):
            current = self._room_of(layer)  # layers differ if memory ran out half-way through the last call
            if room == current or 0 < room < current:
                continue
            resized = [rows.new_empty((self.length + room, *rows.shape[1:])) for rows in layer]
            for new, old in zip(resized, layer, strict=True):
                new[: self.length] = old[: self.length]
            self.layers[number] = Layer(*resized)

    def write(self, number: int, offset: int, key_SEK: Tensor, value_SEK: Tensor) -> Layer:
        """Write rows of layer `number` at `offset`. Returns the layer's rows up to the last one written.

        offset: 0 if the pass runs the references, `length` if it leaves them out.
        """
        layer, end = self.layers[number], offset + key_SEK.shape[0]
        layer.key[offset:end], layer.value[offset:end] = key_SEK, value_SEK
        return Layer(layer.key[:end], layer.value[:end])


class OffloadedKV:
    """A copy of a ReferenceKV's reference rows in the machine's memory."""

    def __init__(self, kv: ReferenceKV) -> None:
        """Copies the rows. Raises RuntimeError if the machine has no memory for them."""
        first = kv.layers[0].key
        self._shape, self._dtype, self._device = (kv.length, *first.shape[1:]), first.dtype, first.device
        self._layers = len(kv.layers)
        rows = [rows[: kv.length] for layer in kv.layers for rows in layer]
        self._copies = HostBytes(rows, pinned=first.device.type == "cuda")

    @property
    def nbytes(self) -> int:
        """The bytes that the copy takes in the machine's memory."""
        return self._copies.nbytes

    def restored(self) -> ReferenceKV:
        """Returns a copy on the original device, without room."""
        tensors = [torch.empty(self._shape, dtype=self._dtype, device=self._device) for _ in range(2 * self._layers)]
        for number, rows in enumerate(tensors):
            self._copies.read(number, rows)
        layers = [Layer(*tensors[number : number + 2]) for number in range(0, len(tensors), 2)]
        return ReferenceKV(layers, self._shape[0])
