"""The schedule against diffusers' scheduler, bit by bit, and against published figures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu, retrieve_timesteps
from diffusers.utils.torch_utils import randn_tensor

from brandpress.model.inference.sampler import empirical_mu, euler_step, initial_noise, sigmas

TOKENS = [1, 16, 64, 100, 1024, 2294, 4096, 4290, 4300, 4301, 8160, 16384]
STEPS = [1, 2, 3, 4, 6, 8, 20, 28, 50, 100]


def scheduler_of(tokens: int, steps: int) -> FlowMatchEulerDiscreteScheduler:
    """Returns the scheduler as diffusers' pipelines configure it."""
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0)
    even = np.linspace(1.0, 1 / steps, steps)
    retrieve_timesteps(scheduler, steps, "cpu", sigmas=even, mu=compute_empirical_mu(tokens, steps))
    return scheduler


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("tokens", TOKENS)
def test_sigmas_equal_diffusers_bit_by_bit(tokens: int, steps: int) -> None:
    scheduler = scheduler_of(tokens, steps)
    assert empirical_mu(tokens, steps) == pytest.approx(compute_empirical_mu(tokens, steps), rel=1e-12)
    assert torch.equal(sigmas(tokens, steps), scheduler.sigmas)
    assert torch.equal(sigmas(tokens, steps)[:-1] * 1000, scheduler.timesteps)


@pytest.mark.parametrize(
    ("tokens", "steps", "mu"),
    [(4096, 50, 2.02335), (4096, 4, 2.29118), (16384, 4, 3.22999), (16384, 50, 3.22999), (4290, 50, 2.044),
     (4301, 50, 1.185)],
)  # fmt: skip
def test_mu_is_as_published(tokens: int, steps: int, mu: float) -> None:
    assert empirical_mu(tokens, steps) == pytest.approx(mu, abs=1e-3)


def test_sigmas_are_as_published() -> None:
    assert sigmas(4096, 4).tolist() == pytest.approx([1, 0.9674, 0.9081, 0.7672, 0], abs=1e-4)
    assert sigmas(16384, 4).tolist() == pytest.approx([1, 0.9870, 0.9619, 0.8939, 0], abs=1e-4)
    assert sigmas(16384, 50)[-2].item() == pytest.approx(0.3403, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_step_equals_diffusers(dtype: torch.dtype) -> None:
    """For velocities in any dtype. The sum over the steps is the scheduler's in float32."""
    scheduler, schedule = scheduler_of(64, 4), sigmas(64, 4)
    generator = torch.Generator().manual_seed(0)
    latents = expected = torch.randn(1, 64, 8, generator=generator)
    for i, time in enumerate(scheduler.timesteps):
        velocity = torch.randn(1, 64, 8, generator=generator).to(dtype)
        latents = euler_step(latents, velocity, schedule[i], schedule[i + 1])
        expected = scheduler.step(velocity.float(), time, expected, return_dict=False)[0]
        assert latents.dtype == torch.float32
        assert torch.equal(latents, expected)


def test_noise_equals_diffusers() -> None:
    expected = randn_tensor((1, 16, 4, 6), generator=torch.Generator("cpu").manual_seed(7), dtype=torch.float32)
    assert torch.equal(initial_noise(16, 4, 6, seed=7), expected)
    assert not torch.equal(initial_noise(16, 4, 6, seed=8), expected)
