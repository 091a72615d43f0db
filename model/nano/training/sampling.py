"""Denoises latents with nano in training, in steps of the sampler's schedule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from brandpress.model.inference.sampler import sigmas
from brandpress.model.nano.data.batches import Batch
from brandpress.model.nano.training.nano import Nano

STEPS = 4


def schedule_of(batch: Batch) -> list[float]:
    """Returns the STEPS + 1 sigmas for pictures of the batch's size, from 1 down to 0."""
    schedule: list[float] = sigmas(batch.targets.shape[1], STEPS).tolist()
    return schedule


@torch.no_grad()
def denoise(nano: Nano, latents: Tensor, schedule: Sequence[float], batch: Batch) -> Tensor:
    """Returns the latents (B, N, C) after Euler steps from the schedule's first sigma to its last."""
    text = nano.embed(batch.tokens)
    for sigma, next_sigma in pairwise(schedule):
        time_B = torch.full((len(latents),), sigma, device=latents.device)
        velocity, _ = nano.velocity(latents, time_B, text, batch)
        latents = latents + (next_sigma - sigma) * velocity.float()
    return latents
