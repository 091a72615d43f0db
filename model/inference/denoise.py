"""Denoises the latents of several pictures, step by step.

Legend: B pictures, N target tokens of a picture, C token channels, L text tokens, D width, S rows of a picture, H half
of the head size, R reference tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from brandpress.model.inference.batch import Batches
from brandpress.model.inference.caches import Grid, ReferenceLatents
from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.reference_kv import ReferenceKV
from brandpress.model.inference.sampler import euler_step, initial_noise
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.step_cache import ComputedStep, StepKind, approximate_kinds, exact_kinds, extrapolate
from brandpress.model.inference.workspace import Workspace
from brandpress.model.memory.plan import packed_rows
from brandpress.model.network.device_copy import copy_to_device
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.modulation import Modulations
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.transformer import Transformer


@dataclass(frozen=True)
class Schedule:
    """What the pictures of a batch have in common.

    grid: (h, w) in tokens. sigmas: (steps + 1,) float32, on the CPU. mods: the modulations of each step. guidance: its
    scale, for samples with a second pass. approximate: whether to use the step cache.
    """

    grid: Grid
    sigmas: Tensor
    mods: Sequence[Modulations]
    guidance: float
    approximate: bool = False

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1


@dataclass(frozen=True)
class Sample:
    """One picture to denoise.

    freqs_cis: (S, H) of references (if they run), target and text. text: the prompt, projected to the width (L, D).
    negative: the negative prompt (L, D), which adds a second pass. references: the latents of references that run, in
    order. kv: the keys and values of references that don't run. Samples with the same references share one object.
    """

    seed: int
    freqs_cis: Tensor
    text: Tensor
    negative: Tensor | None = None
    references: tuple[ReferenceLatents, ...] = ()
    kv: ReferenceKV | None = None

    @property
    def reference_tokens(self) -> int:
        """The rows of the references that run."""
        return sum(reference.tokens.shape[0] for reference in self.references)


@dataclass
class _Branch:
    """A sample's pass through the model, with the prompt or with the negative prompt.

    sample: its index. text: (L, D). references: the tokens of references that run (R, C). step_cache: where an
    approximate run keeps the references' keys and values between steps.
    """

    sample: int
    text: Tensor
    segment: Segment
    references: Tensor | None
    step_cache: ReferenceKV | None = None


class Denoiser:
    """Denoises samples of one schedule together. max_rows: of one pass; default: `packed_rows` of the device."""

    def __init__(
        self,
        model: Transformer,
        schedule: Schedule,
        samples: Sequence[Sample],
        kernels: Kernels = EAGER,
        max_rows: int | None = None,
    ) -> None:
        self._model, self._schedule, self._samples, self._kernels = model, schedule, samples, kernels
        self._space = Workspace()
        self._target = schedule.grid[0] * schedule.grid[1]
        branches = (branch for i, sample in enumerate(samples) for branch in self._branches_of(i, sample))
        max_rows = max_rows or packed_rows(samples[0].text.device.type)
        batches: Batches[_Branch] = Batches(lambda branch: None, lambda branch: branch.segment.rows, max_rows)
        self._passes = tuple(batches.of(branches))

    @torch.inference_mode()
    def run(self) -> Tensor:
        """Returns the normalised latents (B, C, h, w) in float32."""
        height, width = self._schedule.grid
        channels = self._model.config.in_channels
        noise = [initial_noise(channels, height, width, sample.seed) for sample in self._samples]
        latents_BNC = as_tokens(copy_to_device(torch.cat(noise), self._samples[0].text.device))
        steps = self._schedule.steps
        kinds = approximate_kinds(steps) if self._schedule.approximate else exact_kinds(steps)
        computed: list[ComputedStep] = []
        for step, ((sigma, sigma_next), kind) in enumerate(zip(pairwise(self._schedule.sigmas), kinds, strict=True)):
            if kind == "extrapolated":
                velocity_BNC = extrapolate(computed, float(sigma))
            else:
                velocity_BNC = self._velocity(latents_BNC, self._schedule.mods[step], kind)
                if self._schedule.approximate:
                    computed = [*computed[-1:], ComputedStep(float(sigma), velocity_BNC)]
            latents_BNC = euler_step(latents_BNC, velocity_BNC, sigma, sigma_next)
        return torch.unflatten(latents_BNC.transpose(1, 2), 2, (height, width))

    def _branches_of(self, index: int, sample: Sample) -> Iterator[_Branch]:
        """Yields a sample's branch with its prompt and, if it has a negative prompt, the one with that."""
        references_RC = torch.cat([reference.tokens for reference in sample.references]) if sample.references else None
        for text_LD in (sample.text, sample.negative):
            if text_LD is None:
                continue
            count, length = sample.reference_tokens, text_LD.shape[0]
            segment = Segment(count, self._target, length, sample.freqs_cis)
            step_cache = None
            if sample.kv is not None:
                segment = replace(segment, kv=sample.kv, offset=sample.kv.length)
            elif self._schedule.approximate and count:
                step_cache = empty_kv(self._model, count, sample.text)
                step_cache.fit(self._target + length)
                segment = replace(segment, kv=step_cache)
            yield _Branch(index, text_LD, segment, references_RC, step_cache)

    def _velocity(self, latents_BNC: Tensor, mods: Modulations, kind: StepKind) -> Tensor:
        """Returns the velocity (B, N, C), with guidance applied to samples that have two branches."""
        velocities: list[list[Tensor]] = [[] for _ in self._samples]
        image_BNC = latents_BNC.to(self._samples[0].text.dtype)
        for branches in self._passes:
            segments = [_without_references(branch) if kind == "reused" else branch.segment for branch in branches]
            rows: list[Tensor] = []
            for branch, segment in zip(branches, segments, strict=True):
                if segment.references and branch.references is not None:
                    rows.append(branch.references)
                rows.append(image_BNC[branch.sample])
            texts = torch.cat([branch.text for branch in branches])
            packed_pass = PackedPass(self._model, segments, mods, self._space, self._kernels)
            velocity = packed_pass.velocity(torch.cat(rows), texts)
            by_branch = torch.unflatten(velocity, 0, (len(branches), self._target))
            for branch, velocity_NC in zip(branches, by_branch, strict=True):
                velocities[branch.sample].append(velocity_NC)
        return torch.stack([self._guided(*branches) for branches in velocities])

    def _guided(self, velocity_NC: Tensor, negative_NC: Tensor | None = None) -> Tensor:
        if negative_NC is None:
            return velocity_NC
        return negative_NC + self._schedule.guidance * (velocity_NC - negative_NC)


def _without_references(branch: _Branch) -> Segment:
    """Returns a branch's segment for a pass that takes the references' keys and values from the step cache."""
    segment, count = branch.segment, branch.segment.references
    if branch.step_cache is None:
        return segment
    return replace(segment, references=0, freqs_cis=segment.freqs_cis[count:], offset=count)


def modulations(model: Transformer, sigma: Tensor, guidance: float | None, like: Tensor) -> Modulations:
    """Returns the blocks' modulations at `sigma`, a float32 scalar in [0, 1]. guidance: for models that embed it."""
    timestep = torch.full((1,), float(sigma * 1000), dtype=like.dtype, device=like.device) / 1000
    scale = None if guidance is None else torch.full_like(timestep, guidance) * 1000
    return model.modulations(timestep * 1000, scale).as_vectors()


def layout_freqs_cis(
    model: Transformer, grid: Grid, references: Sequence[Grid], text_length: int, device: torch.device
) -> Tensor:
    """Returns `freqs_cis` (S, H) of the positions of references, target and text, in this order."""
    ids = torch.cat((reference_ids(references), image_ids(*grid), text_ids(text_length)))
    return model.rope(copy_to_device(ids, device)).freqs_cis()


def reference_kv(
    model: Transformer, references: Sequence[ReferenceLatents], still: Modulations, kernels: Kernels = EAGER
) -> ReferenceKV:
    """Returns the keys and values of a reference set in every layer. They don't depend on prompt, size or seed.

    still: the modulations at timestep 0.
    """
    tokens_RC = torch.cat([reference.tokens for reference in references])
    ids = reference_ids([reference.grid for reference in references])
    table = model.rope(copy_to_device(ids, tokens_RC.device)).freqs_cis()
    kv = empty_kv(model, tokens_RC.shape[0], tokens_RC)
    no_text = tokens_RC.new_empty(0, model.config.width)
    segment = Segment(tokens_RC.shape[0], 0, 0, table, kv)
    PackedPass(model, [segment], still, Workspace(), kernels).velocity(tokens_RC, no_text)
    return kv


def kv_bytes(model: Transformer, length: int, like: Tensor) -> int:
    """Returns the bytes of the keys and values of `length` rows in all layers."""
    config = model.config
    layers = config.num_layers + config.num_single_layers
    return 2 * layers * length * config.num_attention_heads * config.attention_head_dim * like.element_size()


def empty_kv(model: Transformer, length: int, like: Tensor) -> ReferenceKV:
    """Returns uninitialised keys and values of `length` rows for a model, with the dtype and device of `like`."""
    config = model.config
    layers = config.num_layers + config.num_single_layers
    return ReferenceKV.empty(layers, length, config.num_attention_heads, config.attention_head_dim, like)


def as_tokens(latents: Tensor) -> Tensor:
    """Returns latents (B, C, h, w) as tokens (B, h * w, C), row by row."""
    return latents.flatten(2).transpose(1, 2)
