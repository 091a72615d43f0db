"""What pictures of one model share: the caches, and the keys that say when two pictures may.

A key holds all that decides its value and nothing else. Of the references' keys and values that is (measured against
diffusers, see tests): the model, what is computed in, and the ordered prepared pixels; not prompt, seed, size or step.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from brandpress.model.inference.cache import Below, Cache
from brandpress.model.inference.reference_kv import OffloadedKV, ReferenceKV
from brandpress.model.network.transformer import Modulations

TEXT_BYTES = 1 << 30
LATENTS_BYTES = 1 << 28
KV_BYTES = 4 << 30
"""Of the machine's own memory, where that is the device: others use it, too."""

SMALL_BYTES = 1 << 28
"""Of modulations, position tables and projected texts, each."""

PREPARED = 1 << 16

Grid = tuple[int, int]


class ReferenceLatents(NamedTuple):
    """A reference as tokens (R, C) on a (height, width) grid, and the digest of its prepared pixels."""

    tokens: Tensor
    grid: Grid
    digest: str


@dataclass(frozen=True)
class Keys:
    """Keys of one loaded model. model: digest of its files, LoRAs and their scales included. device: its type."""

    model: str
    quantisation: str | None
    dtype: torch.dtype
    device: str
    attention: str = "sdpa"

    def text(self, prompt: str) -> Hashable:
        """Of a prompt's embedding, raw or projected."""
        return (self, prompt)

    def latents(self, digest: str) -> Hashable:
        """Of a reference's latents. digest: of its prepared pixels, shape included."""
        return (self, digest)

    def reference_kv(self, digests: Sequence[str], guidance: float | None) -> Hashable:
        """Of the keys and values of an ordered reference set. guidance: where the model embeds it."""
        return (self, tuple(digests), guidance)

    def modulations(self, sigma: float, guidance: float | None) -> Hashable:
        """Of a step's modulations. guidance: where the model embeds it."""
        return (self, sigma, guidance)

    def rope(self, grid: Grid, references: Sequence[Grid], text_length: int) -> Hashable:
        """Of the table of positions of a layout."""
        return (self, grid, tuple(references), text_length)


def tensor_bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def modulations_bytes(mods: Modulations) -> int:
    blocks = (*mods.image, *mods.text, mods.single)
    return sum(tensor_bytes(x) for modulation in blocks for x in modulation) + 2 * tensor_bytes(mods.out_scale)


@dataclass
class Caches:
    """The caches of one renderer. Texts are in the machine's memory, the rest on the device; keys and values have as
    much of it as is spare, and `host` bytes of the machine's memory below. prepared: digest of a picture -> of its
    prepared pixels.
    """

    device: torch.device
    spare: int = KV_BYTES
    host: int = 0
    texts: Cache[Tensor] = field(init=False)
    projected: Cache[Tensor] = field(init=False)
    prompts: Cache[str] = field(init=False)
    prepared: Cache[str] = field(init=False)
    latents: Cache[ReferenceLatents] = field(init=False)
    reference_kv: Cache[ReferenceKV] = field(init=False)
    modulations: Cache[Modulations] = field(init=False)
    rope: Cache[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = Cache(TEXT_BYTES, tensor_bytes)
        self.projected = Cache(SMALL_BYTES, tensor_bytes)
        self.prompts = Cache(1 << 20, len)
        self.prepared = Cache(PREPARED, lambda digest: 1)
        self.latents = Cache(LATENTS_BYTES, lambda reference: tensor_bytes(reference.tokens))
        room = self.spare if self.device.type == "cuda" else min(self.spare, KV_BYTES)
        self.reference_kv = Cache(room, lambda kv: kv.nbytes, self._host())
        self.modulations = Cache(SMALL_BYTES, modulations_bytes)
        self.rope = Cache(SMALL_BYTES, tensor_bytes)

    def _host(self) -> Below[ReferenceKV, OffloadedKV] | None:
        if self.device.type == "cpu" or not self.host:
            return None
        return Below(self.host, _offloaded, lambda kept: kept.restored(), lambda kept: kept.nbytes)


def _offloaded(kv: ReferenceKV) -> OffloadedKV | None:
    try:
        return OffloadedKV(kv)
    except (RuntimeError, MemoryError):  # torch has no class of its own for host memory that can't be had
        return None
