"""Modulation: shifts, scales and gates of the transformer's blocks, computed from the timestep and the guidance.

Source: black-forest-labs/flux2 `model.py`, diffusers 0.42.1 `transformer_flux2.py`. Legend: B batch, S tokens, D width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Modulation(NamedTuple):
    """Shift, scale and gate of one sub-block, (B, 1, D) each.

    `scale` already includes the 1 of `(1 + scale) * norm(x) + shift`.
    """

    shift: Tensor
    scale: Tensor
    gate: Tensor


class Modulations(NamedTuple):
    """Modulations of all blocks and of the output norm. They depend only on the timestep and the guidance.

    Each stream of a double block has two: for attention and for the feed-forward. `out_scale` also includes its 1.
    """

    image: tuple[Modulation, Modulation]
    text: tuple[Modulation, Modulation]
    single: Modulation
    out_scale: Tensor
    out_shift: Tensor

    def as_vectors(self) -> Modulations:
        """Returns the modulations of a batch of one as vectors (D,), which all rows of a packed pass share."""

        def vectors(modulation: Modulation) -> Modulation:
            return Modulation(*(tensor.flatten() for tensor in modulation))

        return Modulations(
            image=(vectors(self.image[0]), vectors(self.image[1])),
            text=(vectors(self.text[0]), vectors(self.text[1])),
            single=vectors(self.single),
            out_scale=self.out_scale.flatten(),
            out_shift=self.out_shift.flatten(),
        )


def modulate(x_BSD: Tensor, mod: Modulation, eps: float) -> Tensor:
    """Returns the layer norm (without weights) of tokens, scaled and shifted: (B, S, D)."""
    return mod.scale * F.layer_norm(x_BSD, x_BSD.shape[-1:], eps=eps) + mod.shift


class TimestepEmbedding(nn.Module):
    """Sinusoids of a value, followed by two linear layers."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, width, bias=False)
        self.linear_2 = nn.Linear(width, width, bias=False)

    def forward(self, value_B: Tensor) -> Tensor:
        """(B,) -> (B, D)."""
        half = self.channels // 2
        steps = torch.arange(half, dtype=torch.float32, device=value_B.device)
        angles = value_B[:, None].float() * torch.exp(-math.log(10000) * steps / half)
        sinusoids = torch.cat((angles.cos(), angles.sin()), dim=-1).to(value_B.dtype)
        out_BD: Tensor = self.linear_2(F.silu(self.linear_1(sinusoids)))
        return out_BD


class TimeGuidanceEmbedding(nn.Module):
    """The sum of the embeddings of the timestep and, in models that embed it, of the guidance."""

    def __init__(self, channels: int, width: int, *, guidance_embeds: bool) -> None:
        super().__init__()
        self.timestep_embedder = TimestepEmbedding(channels, width)
        self.guidance_embedder = TimestepEmbedding(channels, width) if guidance_embeds else None

    def forward(self, timestep_B: Tensor, guidance_B: Tensor | None) -> Tensor:
        """(B,) each -> (B, D). The guidance is ignored by models that don't embed it."""
        embedding_BD: Tensor = self.timestep_embedder(timestep_B)
        if guidance_B is not None and self.guidance_embedder is not None:
            embedding_BD = embedding_BD + self.guidance_embedder(guidance_B)
        return embedding_BD


class ModulationProjection(nn.Module):
    """SiLU and a linear layer, from the time embedding to shifts, scales and gates."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width, bias=False)

    def forward(self, embedding_BD: Tensor) -> tuple[Tensor, ...]:
        """(B, D) -> `parts` tensors, (B, 1, D) each."""
        return self.linear(F.silu(embedding_BD)).unsqueeze(1).chunk(self.parts, dim=-1)  # type: ignore[no-any-return]
