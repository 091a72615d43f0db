"""The flow-matching loss that trains nano's transformer and text encoder."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.nano.data.batches import Batch
from brandpress.model.nano.place import Place
from brandpress.model.nano.training.nano import Nano

NOISE_MEAN, NOISE_SPREAD, PURE_NOISE = 1.8, 1.25, 0.1
"""Mean and standard deviation of the logit-normal timesteps, and the share of samples at exactly t = 1. The mean
decides whether the layout is learned: at this size klein's four steps are at t = 1, 0.955, 0.875 and 0.70."""
ITEM_WEIGHT = 1.5
"""Weight of tokens that show an item, relative to tokens of the scene."""
SOURCE_WEIGHT = 0.1
"""Weight of the auxiliary source loss. The model learns the layout much sooner with it than from the velocity alone."""


def batch_losses(model: Nano, batch: Batch, step: int, place: Place) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the loss of a batch, and its two terms to print.

    velocity: mean squared error of the velocity, with item tokens weighted higher. source: cross entropy of the tokens'
    sources. Noise and timesteps are drawn on the device from a generator seeded with the step.
    """
    noisy, time_B, noise = noised(batch.targets, PURE_NOISE, place.generator(2 * step + 1))
    with place.autocast():
        predicted, sources = model.velocity(noisy, time_B, model.embed(batch.tokens), batch)
    velocity = weighted_error(predicted, noise - batch.targets, batch)
    source = F.cross_entropy(sources.float().flatten(0, 1), batch.sources.flatten())
    return velocity + SOURCE_WEIGHT * source, {"velocity": velocity, "source": source}


def noised(targets: Tensor, pure_noise: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Returns targets (B, N, C) with noise at random timesteps, the timesteps (B,), and the noise (B, N, C).

    pure_noise: the share of samples at exactly t = 1.
    """
    size, device = len(targets), targets.device
    time_B = torch.sigmoid(NOISE_MEAN + NOISE_SPREAD * torch.randn(size, generator=generator, device=device))
    pure = torch.rand(size, generator=generator, device=device) < pure_noise
    time_B = torch.where(pure, 1.0, time_B)
    noise = torch.randn(targets.shape, generator=generator, device=device)
    return torch.lerp(targets, noise, time_B[:, None, None]), time_B, noise


def weighted_error(predicted: Tensor, wanted: Tensor, batch: Batch) -> Tensor:
    """Returns the mean squared error of a velocity (B, N, C), with item tokens weighted higher."""
    squares = F.mse_loss(predicted.float(), wanted, reduction="none").mean(dim=2)
    weights = torch.where(batch.sources > 0, ITEM_WEIGHT, 1.0)
    return (weights * squares).sum() / weights.sum()
