"""The sampling schedule and its steps: rectified flow from noise (sigma 1) to picture (sigma 0), Euler.

Source: `compute_empirical_mu` of black-forest-labs/flux2 and `FlowMatchEulerDiscreteScheduler` of diffusers 0.42.1
(exponential shift). The sigmas are equal to theirs bit by bit.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def empirical_mu(tokens: int, steps: int) -> float:
    """Returns mu, the shift of the schedule, for a picture of `tokens` tokens (without references and text)."""
    slope_10, offset_10 = 8.73809524e-05, 1.89833333
    slope_200, offset_200 = 0.00016927, 0.45666666
    mu_200 = slope_200 * tokens + offset_200
    if tokens > 4300:
        return mu_200
    mu_10 = slope_10 * tokens + offset_10
    slope = (mu_200 - mu_10) / 190.0
    return slope * steps + mu_200 - 200.0 * slope


def sigmas(tokens: int, steps: int) -> Tensor:
    """Returns the sigmas (steps + 1,) in float32, from 1 down to 0."""
    even = np.linspace(1.0, 1 / steps, steps).astype(np.float32)
    shift = math.exp(empirical_mu(tokens, steps))
    shifted = (shift / (shift + (1 / even - 1))).astype(np.float32)
    return torch.cat((torch.from_numpy(shifted), torch.zeros(1)))


def euler_step(latents: Tensor, velocity: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """Returns latents + (sigma_next - sigma) * velocity in float32, so that the sum over all steps isn't rounded.

    sigma, sigma_next: float32 scalars on the CPU, even if the latents are on a GPU: nothing waits for a copy.
    """
    return latents.float() + (sigma_next - sigma) * velocity.float()


def initial_noise(channels: int, height: int, width: int, seed: int) -> Tensor:
    """Returns noise (1, C, h, w) in float32, drawn on the CPU: a seed means the same picture on every device."""
    return torch.randn((1, channels, height, width), generator=torch.Generator("cpu").manual_seed(seed))
