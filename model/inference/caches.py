"""What pictures of one model share: a bounded LRU cache, the caches of a renderer, and their keys.

A key holds everything that decides its value and nothing more. The keys and values of references depend on the model,
the dtype and the ordered prepared pixels, not on prompt, seed, size or step (measured against diffusers, see tests).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from brandpress.model.inference.reference_kv import OffloadedKV, ReferenceKV
from brandpress.model.memory.offload import nbytes
from brandpress.model.network.modulation import Modulations

TEXT_BYTES = 1 << 30
LATENTS_BYTES = 1 << 28
KV_BYTES = 4 << 30
"""Limit on a CPU, where the cache shares memory with other processes."""

SMALL_BYTES = 1 << 28
"""For modulations, position tables and projected texts, each."""

PROMPT_CHARACTERS = 1 << 20
PREPARED_DIGESTS = 1 << 16

Grid = tuple[int, int]
Value = TypeVar("Value")
Lower = TypeVar("Lower")


@dataclass(frozen=True)
class LowerLevel(Generic[Value, Lower]):
    """A second cache level, which evicted values move to.

    budget: in bytes. down: converts a value for this level; None if it can't be kept. up: converts it back. size: bytes
    of a converted value.
    """

    budget: int
    down: Callable[[Value], Lower | None]
    up: Callable[[Lower], Value]
    size: Callable[[Lower], int]


class LruCache(Generic[Value]):
    """A cache that evicts the least recently used values once they take more than `budget` bytes.

    Evicted values move to the lower level, if there is one. The newest value is always kept.
    """

    def __init__(self, budget: int, size: Callable[[Value], int], lower: LowerLevel[Value, Any] | None = None) -> None:
        self.budget, self._size, self._lower_level = budget, size, lower
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0
        self._lower: LruCache[Any] | None = LruCache(lower.budget, lower.size) if lower else None

    def get(
        self,
        key: Hashable,
        make: Callable[[], Value],
        expected: int = 0,
        before_miss: Callable[[], object] | None = None,
    ) -> tuple[Value, bool]:
        """Returns the value of `key`, computed by `make` on a miss, and whether either level had it.

        expected: bytes of the value; this much is evicted before it's made or moved up. before_miss: called before that
        eviction, if the upper level doesn't have the value.
        """
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key], True
        if before_miss is not None:
            before_miss()
        if expected:
            self.shrink_to(self.budget - expected)
        promoted = self._promote(key)
        value = make() if promoted is None else promoted
        self._values[key] = value
        self._bytes += self._size(value)
        while self._bytes > self.budget and len(self._values) > 1:
            self._evict_oldest()
        return value, promoted is not None

    def shrink_to(self, size: int) -> None:
        """Evict values, least recently used first, until they take at most `size` bytes."""
        while self._values and self._bytes > size:
            self._evict_oldest()

    def __len__(self) -> int:
        """Returns the number of values on the upper level."""
        return len(self._values)

    def __contains__(self, key: Hashable) -> bool:
        """Returns whether either level has `key`."""
        return key in self._values or (self._lower is not None and key in self._lower)

    @property
    def nbytes(self) -> int:
        """The bytes of the upper level's values."""
        return self._bytes

    def _promote(self, key: Hashable) -> Value | None:
        if self._lower is None or self._lower_level is None or key not in self._lower:
            return None
        return self._lower_level.up(self._lower._pop(key))

    def _evict_oldest(self) -> None:
        key = next(iter(self._values))
        value, level = self._pop(key), self._lower_level
        if self._lower is not None and level is not None and self._size(value) <= level.budget:
            lowered = level.down(value)
            if lowered is not None:
                self._lower.get(key, lambda: lowered)

    def _pop(self, key: Hashable) -> Value:
        value = self._values.pop(key)
        self._bytes -= self._size(value)
        return value


class ReferenceLatents(NamedTuple):
    """A reference as tokens (R, C) on a (height, width) grid, and the digest of its prepared pixels."""

    tokens: Tensor
    grid: Grid
    digest: str


@dataclass(frozen=True)
class Keys:
    """Cache keys of one loaded model.

    model: digest of its files, with LoRAs and their scales. device: the device's type, such as `cuda`.
    """

    model: str
    quantisation: str | None
    dtype: torch.dtype
    device: str
    attention: str = "sdpa"

    def text(self, prompt: str) -> Hashable:
        """Returns the key of a prompt's embedding, raw or projected."""
        return (self, prompt)

    def latents(self, digest: str) -> Hashable:
        """Returns the key of a reference's latents. digest: of its prepared pixels and their shape."""
        return (self, digest)

    def reference_kv(self, digests: Sequence[str], guidance: float | None) -> Hashable:
        """Returns the key of an ordered reference set's KV. guidance: None if the model doesn't embed it."""
        return (self, tuple(digests), guidance)

    def modulations(self, sigma: float, guidance: float | None) -> Hashable:
        """Returns the key of a step's modulations. guidance: None if the model doesn't embed it."""
        return (self, sigma, guidance)

    def rope(self, grid: Grid, references: Sequence[Grid], text_length: int) -> Hashable:
        """Returns the key of the position table of a layout."""
        return (self, grid, tuple(references), text_length)


def modulations_bytes(mods: Modulations) -> int:
    """Returns the bytes that a step's modulations take."""
    blocks = (*mods.image, *mods.text, mods.single)
    return sum(nbytes(x) for modulation in blocks for x in modulation) + 2 * nbytes(mods.out_scale)


@dataclass
class Caches:
    """The caches of one renderer.

    spare: bytes of the device for reference sets' keys and values. host: bytes of the machine's memory that evicted
    sets are offloaded to; 0 drops them. texts: in the machine's memory; all other tensors are on the device.
    prompts: rewritten prompts. prepared: digests of prepared pixels, keyed by picture digest and area.
    """

    device: torch.device
    spare: int = KV_BYTES
    host: int = 0
    texts: LruCache[Tensor] = field(init=False)
    projected: LruCache[Tensor] = field(init=False)
    prompts: LruCache[str] = field(init=False)
    prepared: LruCache[str] = field(init=False)
    latents: LruCache[ReferenceLatents] = field(init=False)
    reference_kv: LruCache[ReferenceKV] = field(init=False)
    modulations: LruCache[Modulations] = field(init=False)
    rope: LruCache[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = LruCache(TEXT_BYTES, nbytes)
        self.projected = LruCache(SMALL_BYTES, nbytes)
        self.prompts = LruCache(PROMPT_CHARACTERS, len)
        self.prepared = LruCache(PREPARED_DIGESTS, lambda digest: 1)
        self.latents = LruCache(LATENTS_BYTES, lambda reference: nbytes(reference.tokens))
        budget = self.spare if self.device.type == "cuda" else min(self.spare, KV_BYTES)
        self.reference_kv = LruCache(budget, lambda kv: kv.nbytes, self._host_level())
        self.modulations = LruCache(SMALL_BYTES, modulations_bytes)
        self.rope = LruCache(SMALL_BYTES, nbytes)

    def _host_level(self) -> LowerLevel[ReferenceKV, OffloadedKV] | None:
        if self.device.type == "cpu" or not self.host:
            return None
        return LowerLevel(self.host, _offload, lambda kv: kv.restored(), lambda kv: kv.nbytes)


def _offload(kv: ReferenceKV) -> OffloadedKV | None:
    try:
        return OffloadedKV(kv)
    except (RuntimeError, MemoryError):  # torch has no class of its own for a failed allocation of host memory
        return None
