"""Batch invariance of packed passes: pictures alone against packed with others, to the bit, in bf16 and fp8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from brandpress.model.inference.denoise import Denoiser, Sample, Schedule, layout_freqs_cis, modulations
from brandpress.model.inference.sampler import sigmas
from brandpress.model.network.kernels import Kernels
from brandpress.model.network.transformer import Transformer
from tests.bench.row import Goal
from tests.gpu.case import KLEIN_4B, Case
from tests.gpu.figure import Figure
from tests.gpu.pairs import spreads_apart
from tests.gpu.rig import Rig
from tests.gpu.weights import quantise_blocks, transformer_of

ABOUT = "klein-4B's blocks with random weights, 4 steps: pictures alone and packed with others, and what packing gains."
SECONDS = 50
SIDES = {256: 5, 512: 2, 1024: 2}
"""Side of the pictures -> how many are packed."""


def measure(rig: Rig) -> Iterator[Figure]:
    model = transformer_of(KLEIN_4B.tiny() if rig.tiny else KLEIN_4B, rig)
    for form in ("bf16", "fp8"):
        if form == "fp8":
            quantise_blocks(model)
        for side, count in SIDES.items():
            case = replace(KLEIN_4B, side=side)
            yield from compared(rig, model, case.tiny() if rig.tiny else case, count, form)


def compared(rig: Rig, model: Transformer, case: Case, count: int, form: str) -> Iterator[Figure]:
    kernels, what = rig.best_kernels(), f"{form}, {count} of {case.side}²"
    samples = [sample_of(rig, model, case, seed) for seed in range(count)]
    schedule = schedule_of(rig, model, case)
    alone = [denoise(model, schedule, [sample], kernels) for sample in samples]
    twice = denoise(model, schedule, samples[:1], kernels)
    yield Figure(f"{what}: twice the same", spreads_apart(twice, alone[0]), "spreads", Goal(0, False), must=True)
    together = denoise(model, schedule, samples, kernels)
    apart = max(spreads_apart(one[None], other) for one, other in zip(together, alone, strict=True))
    yield Figure(f"{what}: packed against alone", apart, "spreads", note="0 is equal to the bit")
    by_one = rig.seconds(lambda: [denoise(model, schedule, [sample], kernels) for sample in samples])
    packed = rig.seconds(lambda: denoise(model, schedule, samples, kernels))
    yield Figure(f"{what}: time packed ÷ time alone", packed / by_one, "", note=f"{1000 * packed / count:.1f} ms each")


def sample_of(rig: Rig, model: Transformer, case: Case, seed: int) -> Sample:
    generator = torch.Generator(rig.device).manual_seed(seed)
    shape = (case.text, model.config.width)
    text = torch.randn(shape, generator=generator, device=rig.device).to(rig.dtype)
    return Sample(seed, layout_freqs_cis(model, case.grid, [], case.text, rig.device), text)


def schedule_of(rig: Rig, model: Transformer, case: Case) -> Schedule:
    like = torch.empty(0, dtype=rig.dtype, device=rig.device)
    times = sigmas(case.target_tokens, case.steps)
    scale = 4.0 if model.config.guidance_embeds else None
    return Schedule(case.grid, times, [modulations(model, time, scale, like) for time in times[:-1]], 1.0)


@torch.inference_mode()
def denoise(model: Transformer, schedule: Schedule, samples: Sequence[Sample], kernels: Kernels) -> Tensor:
    """Returns latents (samples, C, h, w), with all samples in one pass."""
    return Denoiser(model, schedule, samples, kernels, max_rows=1 << 20).run()
