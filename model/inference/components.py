"""The parts of a model on its device: all resident, or either the text encoder or the transformer offloaded."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from PIL import Image
from torch import nn

from brandpress.model.checkpoint.describe import ModelDescription, check_unchanged
from brandpress.model.checkpoint.load import load_autoencoder, load_transformer
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.inference.prompt_upsampler import Upsampler, load_upsampler
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.offload import OffloadedWeights, large_tensors, nbytes
from brandpress.model.memory.plan import Residency
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.text_encoder import TextEncoder
from brandpress.model.network.transformer import Transformer

Part = TypeVar("Part")


class Offloadable(Generic[Part]):
    """A part of a model that is loaded on first use and can be offloaded.

    Offloaded weights stay in the machine's memory if it has room, or are read from disk again.
    """

    def __init__(
        self,
        load: Callable[[], Part],
        host: HostMemory | None = None,
        module: Callable[[Part], nn.Module] | None = None,
    ) -> None:
        """host: the machine's memory; None doesn't use it. module: returns the module that has the part's weights; None
        if the part itself is that module."""
        self._load, self._host, self._module = load, host, module
        self._part: Part | None = None
        self._weights: OffloadedWeights | None = None
        self._offloaded = False
        self._in_host_memory: bool | None = None

    @property
    def loaded(self) -> bool:
        """Whether the part is on the device."""
        return self._part is not None and not self._offloaded

    @property
    def in_host_memory(self) -> bool | None:
        """Whether offloaded weights are in the machine's memory; None until the part was offloaded once."""
        return self._in_host_memory

    def get(self) -> Part:
        """Returns the part, loaded or restored to the device if needed."""
        with torch.inference_mode(False), torch.no_grad():  # a tensor made in inference mode can't be moved outside it
            if self._part is None:
                self._part = self._load()
            elif self._offloaded and self._weights is not None:
                self._weights.restore()
                self._offloaded = False
        return self._part

    def offload(self) -> None:
        """Remove the part from the device and free its memory. Does nothing if the part isn't there."""
        if self._part is None or (self._offloaded and self._weights is not None and self._weights.removed):
            return
        with torch.inference_mode(False), torch.no_grad():
            self._weights = self._weights or self._copy_weights(self._part)
            self._in_host_memory = self._weights is not None
            if self._weights is None:
                self._part = None
            else:
                self._weights.remove()
                self._offloaded = True
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _copy_weights(self, part: Part) -> OffloadedWeights | None:
        module = part if self._module is None else self._module(part)
        if self._host is None or not isinstance(module, nn.Module):
            return None
        size = sum(map(nbytes, large_tensors(module)))
        if not self._host.take(size):
            return None
        try:
            return OffloadedWeights(module)
        except (RuntimeError, MemoryError):  # torch has no class of its own for a failed allocation of host memory
            self._host.give_back(size)
            self._host = None
            return None


@dataclass
class LoadedModel:
    """One model on one device.

    residency: with `offload`, either the text encoder or the transformer is on the device. host: the machine's memory,
    which offloaded weights move to; None if that is the device's own memory. host_has_room: the plan has room there for
    the weights of both.
    """

    description: ModelDescription
    device: torch.device
    dtype: torch.dtype
    residency: Residency
    transformer: Offloadable[Transformer]
    autoencoder: Autoencoder
    text_encoder: Offloadable[TextEncoder]
    host: HostMemory | None = None
    host_has_room: bool = False
    upsampler: Offloadable[Upsampler] = field(init=False)

    def __post_init__(self) -> None:
        def load() -> Upsampler:
            upsampler = load_upsampler(self.description, self.device, self.dtype)
            check_unchanged(self.description)
            return upsampler

        self.upsampler = Offloadable(load, self.host, lambda part: part.module)

    @property
    def offloaded_to(self) -> str:
        """Returns `memory` if the machine's memory keeps the weights of both large parts, `disk` if one is read again.

        A part that was never offloaded counts as planned. The upsampler can have taken the room.
        """
        parts = (self.transformer.in_host_memory, self.text_encoder.in_host_memory)
        return "memory" if all(self.host_has_room if part is None else part for part in parts) else "disk"

    def use(self, part: Offloadable[Part]) -> Part:
        """Returns the part on the device. With `offload`, no other large part is there."""
        self.upsampler.offload()
        if self.residency == "offload":
            (self.text_encoder if part is self.transformer else self.transformer).offload()
        return part.get()

    def rewrite(self, prompt: str, references: Sequence[Image.Image]) -> str:
        """Returns the prompt as rewritten by the language model. Offloads the other large parts first."""
        self.transformer.offload()
        self.text_encoder.offload()
        return self.upsampler.get().rewrite(prompt, references)


def load_model(
    description: ModelDescription,
    parts: Parts,
    device: torch.device,
    dtype: torch.dtype,
    residency: Residency,
    host: HostMemory | None = None,
    *,
    host_has_room: bool = False,
) -> LoadedModel:
    """Load a model's parts; with `offload`, text encoder and transformer are loaded on first use.

    host: the machine's memory, which parts are offloaded to; None reads them from disk again. host_has_room: the plan
    has room there for both. Raises CheckpointError; so does the use of a part that is read from disk then, if the files
    have changed.
    """
    quantise = description.choice.quantise

    def load_checked_transformer() -> Transformer:
        loaded = load_transformer(parts, device, dtype, quantise)
        check_unchanged(description)
        return loaded

    def load_checked_text_encoder() -> TextEncoder:
        loaded = load_text_encoder(description, device, dtype)
        check_unchanged(description)
        return loaded

    transformer = Offloadable(load_checked_transformer, host)
    text_encoder: Offloadable[TextEncoder] = Offloadable(load_checked_text_encoder, host)
    if residency == "resident":
        text_encoder.get()
        transformer.get()
    autoencoder = load_autoencoder(parts, device, dtype)
    return LoadedModel(
        description, device, dtype, residency, transformer, autoencoder, text_encoder, host, host_has_room
    )
