"""A model's parts on its device: all resident, or the large ones offloaded in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from PIL import Image

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.load import load_autoencoder, load_transformer
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.inference.prompt_upsampler import Upsampler, load_upsampler
from brandpress.model.inference.residency import Resident
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.plan import Residency
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.text_encoder import TextEncoder
from brandpress.model.network.transformer import Transformer

Part = TypeVar("Part")


@dataclass
class LoadedModel:
    """One model on one device.

    residency: with `offload`, either the text encoder or the transformer is on the device. host: the machine's memory,
    which offloaded weights go to; None if the device computes in that memory itself. kept_in_memory: the plan has room
    there for the weights of both.
    """

    description: ModelDescription
    device: torch.device
    dtype: torch.dtype
    residency: Residency
    transformer: Resident[Transformer]
    autoencoder: Autoencoder
    text_encoder: Resident[TextEncoder]
    host: HostMemory | None = None
    kept_in_memory: bool = False
    upsampler: Resident[Upsampler] = field(init=False)

    def __post_init__(self) -> None:
        self.upsampler = Resident(
            lambda: load_upsampler(self.description, self.device, self.dtype), self.host, lambda part: part.module
        )

    @property
    def offloaded_to(self) -> str:
        """Returns `memory` if the machine's memory keeps the weights of all offloaded parts, or `disk` if some are read
        again. Until a part was offloaded once, its plan counts: the upsampler may take the room first."""
        known = (self.transformer.kept, self.text_encoder.kept)
        return "memory" if all(self.kept_in_memory if kept is None else kept for kept in known) else "disk"

    def use(self, part: Resident[Part]) -> Part:
        """Returns the part on the device. With `offload`, no other large part is there."""
        self.upsampler.drop()
        if self.residency == "offload":
            (self.text_encoder if part is self.transformer else self.transformer).drop()
        return part.get()

    def rewrite(self, prompt: str, references: Sequence[Image.Image]) -> str:
        """A prompt in the language model's words; nothing else of its size is in memory meanwhile."""
        self.transformer.drop()
        self.text_encoder.drop()
        return self.upsampler.get().rewrite(prompt, references)


def load_model(
    description: ModelDescription,
    parts: Parts,
    device: torch.device,
    dtype: torch.dtype,
    residency: Residency,
    host: HostMemory | None = None,
    *,
    kept_in_memory: bool = False,
) -> LoadedModel:
    """The model of these files. host: where parts are offloaded to; None reads them from disk again.
    kept_in_memory: both have room there. Raises CheckpointError."""
    quantise = description.choice.quantise
    transformer = Resident(lambda: load_transformer(parts, device, dtype, quantise), host)
    text_encoder: Resident[TextEncoder] = Resident(lambda: load_text_encoder(description, device, dtype), host)
    if residency == "resident":
        text_encoder.get()
        transformer.get()
    autoencoder = load_autoencoder(parts, device, dtype)
    return LoadedModel(
        description, device, dtype, residency, transformer, autoencoder, text_encoder, host, kept_in_memory
    )
