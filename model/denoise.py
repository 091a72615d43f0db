"""Noise -> the latents of a picture: the transformer, step by step, under everything that conditions it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from model.positions import image_ids, reference_ids, text_ids
from model.sampler import euler_step, initial_noise, sigmas
from model.transformer import KeyValue, Modulations, Rope, Transformer, cat_rope


class ReferenceLatents(NamedTuple):
    """A reference as tokens (1, R, C) on a (height, width) grid, and the digest of its prepared pixels."""

    tokens: Tensor
    grid: tuple[int, int]
    digest: str


@dataclass(frozen=True)
class Conditions:
    """text, negative: embeddings (1, L, X); `negative` asks for a second, unconditional pass. references: in order.
    reference_kv: their keys and values where the model has them apart; else their tokens stand beside the picture's.
    guidance: the scale, of the second pass or embedded."""

    text: Tensor
    negative: Tensor | None
    references: list[ReferenceLatents]
    reference_kv: list[KeyValue] | None
    guidance: float


def denoise(model: Transformer, conditions: Conditions, grid: tuple[int, int], steps: int, seed: int) -> Tensor:
    """Normalised latents (1, C, h, w) of a picture of `grid` = (h, w) tokens."""
    text, negative, kv = conditions.text, conditions.negative, conditions.reference_kv
    device, dtype, (height, width) = text.device, text.dtype, grid
    latents = as_tokens(initial_noise(model.config.in_channels, height, width, seed).to(device, dtype))
    rope = model.rope(torch.cat((text_ids(text.shape[1]), image_ids(height, width))).to(device))
    beside = [] if kv is not None else [reference.tokens for reference in conditions.references]
    if beside:
        rope = cat_rope(rope, reference_rope(model, conditions.references, device))
    count = latents.shape[1]
    for sigma, sigma_next in pairwise(sigmas(count, steps).to(device)):
        mods = modulations(model, (sigma * 1000).to(dtype)[None] / 1000, conditions.guidance)
        image = torch.cat((latents, *beside), dim=1)
        velocity = model(image, text, mods, rope, kv)[:, :count]
        if negative is not None:
            without = model(image, negative, mods, rope, kv)[:, :count]
            velocity = without + conditions.guidance * (velocity - without)
        latents = euler_step(latents, velocity, sigma, sigma_next)
    return latents.transpose(1, 2).reshape(1, -1, height, width)


def modulations(model: Transformer, timestep_B: Tensor, guidance: float) -> Modulations:
    """What a timestep in [0, 1] does to the blocks, and the guidance in models that embed it."""
    scale = None
    if model.config.guidance_embeds:
        scale = torch.full_like(timestep_B, guidance) * 1000
    return model.modulations(timestep_B * 1000, scale)


def reference_kv(model: Transformer, references: list[ReferenceLatents], guidance: float) -> list[KeyValue]:
    """Keys and values of a reference set in every layer: at timestep 0, whatever prompt, size and seed follow."""
    tokens = torch.cat([reference.tokens for reference in references], dim=1)
    still = modulations(model, torch.zeros(1, dtype=tokens.dtype, device=tokens.device), guidance)
    return model.reference_kv(tokens, still, reference_rope(model, references, tokens.device))


def reference_rope(model: Transformer, references: list[ReferenceLatents], device: torch.device) -> Rope:
    return model.rope(reference_ids([reference.grid for reference in references]).to(device))


def as_tokens(latents: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h * w, C), row by row."""
    return latents.flatten(2).transpose(1, 2)
