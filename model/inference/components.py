"""A model's parts in memory: all together, or its large ones in turns."""

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
    """One model on one device. In turns, text encoder and transformer are in its memory one after the other. host: the
    machine's memory, where they wait for their turn; None where that is the device's, too.
    kept_in_memory: both are planned to have room there.
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
    def turns_from(self) -> str:
        """Where the weights of parts that take turns come from: all of them from `memory`, or `disk`. Of a part that
        hasn't been let go of yet it's what is planned: the upsampler may take the room first."""
        known = (self.transformer.kept, self.text_encoder.kept)
        return "memory" if all(self.kept_in_memory if kept is None else kept for kept in known) else "disk"

    def use(self, part: Resident[Part]) -> Part:
        """The part, in the device's memory; in turns nothing else of its size is."""
        self.upsampler.drop()
        if self.residency == "turns":
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
    """The model of these files. host: where parts wait for their turn; None reads them from disk again.
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
