"""Noise -> the latents of pictures: the transformer, step by step, under everything that conditions it."""

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
from brandpress.model.inference.step_cache import Kind, Past, approximate_kinds, continued, exact_kinds
from brandpress.model.inference.workspace import Workspace
from brandpress.model.memory.plan import packed_rows
from brandpress.model.network.device_copy import copy_to_device
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.transformer import Modulations, Transformer


@dataclass(frozen=True)
class Schedule:
    """What the pictures of a batch have in common. grid: (h, w) in tokens. sigmas: (steps + 1,) float32, on the CPU.
    mods: of each step. guidance: the scale of the second pass, where a sample has one."""

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
    """One picture to denoise. text, negative: projected to the model's width (L, D); `negative` asks for a second,
    unconditional pass. freqs_cis: of references (where they run), target and text. references: their latents, in
    order, where they run. kv: their keys and values, where those are apart."""

    seed: int
    freqs_cis: Tensor
    text: Tensor
    negative: Tensor | None = None
    references: tuple[ReferenceLatents, ...] = ()
    kv: ReferenceKV | None = None

    @property
    def reference_tokens(self) -> int:
        """Rows that the references take where they run."""
        return sum(reference.tokens.shape[0] for reference in self.references)


@dataclass
class _Branch:
    """One way of a sample through the model: with its prompt or without. kept: where an approximate run keeps the
    references' keys and values."""

    sample: int
    text: Tensor
    segment: Segment
    beside: Tensor | None
    kept: ReferenceKV | None = None


class Denoiser:
    """Samples of one schedule on their way. Samples of common references have one `kv` object. rows: the most of one
    pass; None means what `packed_rows` says of the device."""

    def __init__(
        self,
        model: Transformer,
        schedule: Schedule,
        samples: Sequence[Sample],
        kernels: Kernels = EAGER,
        rows: int | None = None,
    ) -> None:
        self._model, self._schedule, self._samples, self._kernels = model, schedule, samples, kernels
        self._space = Workspace()
        self._target = schedule.grid[0] * schedule.grid[1]
        branches = (branch for i, sample in enumerate(samples) for branch in self._branches_of(i, sample))
        most = rows or packed_rows(samples[0].text.device.type)
        together: Batches[_Branch] = Batches(lambda branch: None, lambda branch: branch.segment.rows, most)
        self._passes = tuple(together.of(branches))

    @torch.inference_mode()
    def run(self) -> Tensor:
        """Normalised latents (samples, C, h, w) in float32."""
        height, width = self._schedule.grid
        channels = self._model.config.in_channels
        noise = [initial_noise(channels, height, width, sample.seed) for sample in self._samples]
        latents = as_tokens(copy_to_device(torch.cat(noise), self._samples[0].text.device))
        steps = self._schedule.steps
        kinds = approximate_kinds(steps) if self._schedule.approximate else exact_kinds(steps)
        past: list[Past] = []
        for step, ((sigma, sigma_next), kind) in enumerate(zip(pairwise(self._schedule.sigmas), kinds, strict=True)):
            at = float(sigma)
            if kind == "continued":
                velocity = continued(past, at)
            else:
                velocity = self._velocity(latents, self._schedule.mods[step], kind)
                past = [*past[-1:], Past(at, velocity)] if self._schedule.approximate else []
            latents = euler_step(latents, velocity, sigma, sigma_next)
        return torch.unflatten(latents.transpose(1, 2), 2, (height, width))

    def _branches_of(self, number: int, sample: Sample) -> Iterator[_Branch]:
        beside = torch.cat([reference.tokens for reference in sample.references]) if sample.references else None
        for text in (sample.text, sample.negative):
            if text is None:
                continue
            count, length = sample.reference_tokens, text.shape[0]
            segment = Segment(count, self._target, length, sample.freqs_cis)
            kept = None
            if sample.kv is not None:
                segment = replace(segment, kv=sample.kv, offset=sample.kv.length)
            elif self._schedule.approximate and count:
                kept = empty_kv(self._model, count, sample.text)
                kept.fit(self._target + length)
                segment = replace(segment, kv=kept)
            yield _Branch(number, text, segment, beside, kept)

    def _velocity(self, latents: Tensor, mods: Modulations, kind: Kind) -> Tensor:
        """(samples, N, C), guided where samples have two branches."""
        ways: list[list[Tensor]] = [[] for _ in self._samples]
        image = latents.to(self._samples[0].text.dtype)
        for branches in self._passes:
            segments = [reusing(branch) if kind == "reused" else branch.segment for branch in branches]
            rows = [
                part
                for branch, segment in zip(branches, segments, strict=True)
                for part in ((branch.beside,) if segment.references else ()) + (image[branch.sample],)
                if part is not None
            ]
            texts = torch.cat([branch.text for branch in branches])
            run = PackedPass(self._model, segments, mods, self._space, self._kernels)
            made = torch.unflatten(run.velocity(torch.cat(rows), texts), 0, (len(branches), self._target))
            for branch, velocity in zip(branches, made, strict=True):
                ways[branch.sample].append(velocity)
        return torch.stack([self._guided(*way) for way in ways])

    def _guided(self, velocity: Tensor, without: Tensor | None = None) -> Tensor:
        return velocity if without is None else without + self._schedule.guidance * (velocity - without)


def reusing(branch: _Branch) -> Segment:
    """A branch's part of a pass in which its references don't run."""
    segment, count = branch.segment, branch.segment.references
    if branch.kept is None:
        return segment
    return replace(segment, references=0, freqs_cis=segment.freqs_cis[count:], offset=count)


def modulations(model: Transformer, sigma: Tensor, guidance: float | None, like: Tensor) -> Modulations:
    """What a time (a scalar in [0, 1], float32) does to the blocks, and the guidance in models that embed it."""
    timestep = torch.full((1,), float(sigma * 1000), dtype=like.dtype, device=like.device) / 1000
    scale = None if guidance is None else torch.full_like(timestep, guidance) * 1000
    return model.modulations(timestep * 1000, scale).as_vectors()


def layout_freqs_cis(
    model: Transformer, grid: Grid, references: Sequence[Grid], text_length: int, device: torch.device
) -> Tensor:
    """The table of positions of references, target and text, in this order (S, H)."""
    ids = torch.cat((reference_ids(references), image_ids(*grid), text_ids(text_length)))
    return model.rope(copy_to_device(ids, device)).freqs_cis()


def reference_kv(
    model: Transformer, references: Sequence[ReferenceLatents], still: Modulations, kernels: Kernels = EAGER
) -> ReferenceKV:
    """Keys and values of a reference set in every layer, whatever prompt, size and seed follow. still: the modulations
    of timestep 0."""
    tokens = torch.cat([reference.tokens for reference in references])
    ids = reference_ids([reference.grid for reference in references])
    table = model.rope(copy_to_device(ids, tokens.device)).freqs_cis()
    kv = empty_kv(model, tokens.shape[0], tokens)
    nothing = tokens.new_empty(0, model.config.width)
    PackedPass(model, [Segment(tokens.shape[0], 0, 0, table, kv)], still, Workspace(), kernels).velocity(
        tokens, nothing
    )
    return kv


def kv_bytes(model: Transformer, length: int, like: Tensor) -> int:
    """What the keys and values of `length` rows take in every layer."""
    config = model.config
    layers = config.num_layers + config.num_single_layers
    return 2 * layers * length * config.num_attention_heads * config.attention_head_dim * like.element_size()


def empty_kv(model: Transformer, length: int, like: Tensor) -> ReferenceKV:
    config = model.config
    layers = config.num_layers + config.num_single_layers
    return ReferenceKV.empty(layers, length, config.num_attention_heads, config.attention_head_dim, like)


def as_tokens(latents: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, h * w, C), row by row."""
    return latents.flatten(2).transpose(1, 2)
