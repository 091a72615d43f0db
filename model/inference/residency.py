"""A part of a model that is in a device's memory only while it's needed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import nn

from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.offload import OffloadedWeights, large_tensors, nbytes

Part = TypeVar("Part")


class Resident(Generic[Part]):
    """Loaded from disk when it's first asked for. When it's let go of its weights stay in the machine's memory, where
    there is room, and come back from there; else they're loaded again."""

    def __init__(
        self,
        load: Callable[[], Part],
        host: HostMemory | None = None,
        module: Callable[[Part], nn.Module] | None = None,
    ) -> None:
        """host: the machine's memory; None keeps nothing there. module: what of the part has its weights; None: the
        part itself."""
        self._load, self._host, self._module = load, host, module
        self._part: Part | None = None
        self._weights: OffloadedWeights | None = None
        self._away = False
        self._kept: bool | None = None

    @property
    def loaded(self) -> bool:
        """Whether the part is in the device's memory."""
        return self._part is not None and not self._away

    @property
    def kept(self) -> bool | None:
        """Whether the weights are kept in the machine's memory; None until the part was let go of once."""
        return self._kept

    def get(self) -> Part:
        """The part, in the device's memory."""
        with torch.inference_mode(False), torch.no_grad():  # a tensor made in inference mode can't be moved outside
            if self._part is None:
                self._part = self._load()
            elif self._away and self._weights is not None:
                self._weights.restore()
                self._away = False
        return self._part

    def drop(self) -> None:
        """Let go of the part and give its memory back to the device."""
        if self._part is None or (self._away and self._weights is not None and self._weights.gone):
            return
        with torch.inference_mode(False), torch.no_grad():
            self._weights = self._weights or self._offloaded(self._part)
            self._kept = self._weights is not None
            if self._weights is None:
                self._part = None
            else:
                self._weights.leave()
                self._away = True
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _offloaded(self, part: Part) -> OffloadedWeights | None:
        module = part if self._module is None else self._module(part)
        if self._host is None or not isinstance(module, nn.Module):
            return None
        if not self._host.take(sum(map(nbytes, large_tensors(module)))):
            return None
        try:
            return OffloadedWeights(module)
        except (RuntimeError, MemoryError):  # torch has no class of its own for host memory that can't be had
            self._host = None
            return None
