"""Compositions of the drawn world as latents, encoded once; captions and references are drawn anew at each visit."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.autoencoder import Autoencoder
from model.nano.fit_autoencoder import batches
from model.nano.world import captions
from model.nano.world.compose import compose
from model.nano.world.facts import Facts
from model.nano.world.layout import TOKEN
from model.nano.world.library import Library
from model.nano.world.placing import Size

SLOTS = ("item0", "item1", "item2", "scene", "style")
CHUNK = 100
PROCESSES = 2
SOURCES, IN_WORDS = 6, 5


@dataclass(frozen=True)
class Drawn:
    """n compositions of one size: pictures (n, 3, H, W) and references (n, slots, 3, h, w), uint8; facts: n dicts."""

    pictures: Tensor
    references: Tensor
    facts: list[Facts]


@dataclass(frozen=True)
class Latents:
    """n compositions of one size as tokens, bfloat16: targets (n, h, w, C), references (n, slots, h, w, C)."""

    targets: Tensor
    references: Tensor
    facts: list[Facts]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".json").write_text(json.dumps(self.facts))
        save_file({"targets": self.targets, "references": self.references}, path)

    @classmethod
    def load(cls, path: Path) -> Latents:
        return cls(**load_file(path), facts=json.loads(path.with_suffix(".json").read_text()))


def draw(art: Path, count: int, size: Size, reference: Size, seed: int) -> Drawn:
    """`count` compositions of one size with references of another; the same for the same seed, however many processes
    draw."""
    jobs = [
        (art, min(CHUNK, count - first), size, reference, f"{seed}-{size}-{reference}-{first}")
        for first in range(0, count, CHUNK)
    ]
    with ProcessPoolExecutor(PROCESSES) as pool:
        return _joined(list(pool.map(_draw_chunk, jobs)))


Chunk = tuple[NDArray[np.uint8], NDArray[np.uint8], list[Facts]]


def draw_from(library: Library, count: int, size: Size, reference: Size, seed: str) -> Drawn:
    """`count` compositions from one library, in this process."""
    return _joined([_compositions(library, count, size, reference, seed)])


def _joined(chunks: list[Chunk]) -> Drawn:
    pictures = torch.from_numpy(np.concatenate([chunk[0] for chunk in chunks])).permute(0, 3, 1, 2).contiguous()
    references = torch.from_numpy(np.concatenate([chunk[1] for chunk in chunks])).permute(0, 1, 4, 2, 3).contiguous()
    return Drawn(pictures, references, [facts for chunk in chunks for facts in chunk[2]])


def _draw_chunk(job: tuple[Path, int, Size, Size, str]) -> Chunk:
    art, count, size, reference, seed = job
    return _compositions(Library.load(art, art / "cache"), count, size, reference, seed)


def _compositions(library: Library, count: int, size: Size, reference: Size, seed: str) -> Chunk:
    rng, (width, height) = random.Random(seed), size  # noqa: S311
    pictures = np.zeros((count, height, width, 3), np.uint8)
    references = np.zeros((count, len(SLOTS), reference[1], reference[0], 3), np.uint8)
    facts = []
    for i in range(count):
        made = compose(rng, library, width, height, reference=reference)
        pictures[i] = np.asarray(made.picture)
        for slot, picture in enumerate(made.item_references):
            references[i, slot] = np.asarray(picture)
        references[i, 3] = np.asarray(made.scene_reference)
        if made.style_reference is not None:
            references[i, 4] = np.asarray(made.style_reference)
        facts.append(made.facts)
    return pictures, references, facts


@torch.no_grad()
def encode(autoencoder: Autoencoder, drawn: Drawn) -> Latents:
    """Every picture and reference through the autoencoder, once."""
    targets = torch.cat([_tokens(autoencoder, batch) for batch in batches(drawn.pictures, 32)])
    flat = drawn.references.flatten(0, 1)
    references = torch.cat([_tokens(autoencoder, batch) for batch in batches(flat, 128)])
    return Latents(targets, references.reshape(-1, len(SLOTS), *references.shape[1:]), drawn.facts)


def _tokens(autoencoder: Autoencoder, batch: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return autoencoder.encode(batch).permute(0, 2, 3, 1).bfloat16()


@dataclass(frozen=True)
class Batch:
    """B samples of one size and one number of references.

    targets: (B, N, C), N on a (height, width) `grid`. references: (B, R, C), the tokens of `count` pictures, each on a
    `reference_grid`. sources: (B, N), what each target token
    shows: 0 the scene, 1 to 4 the item of that reference, IN_WORDS an item without a reference. rows: (B,), which of
    the shard's compositions these are.
    """

    targets: Tensor
    references: Tensor
    captions: list[str]
    grid: tuple[int, int]
    reference_grid: tuple[int, int]
    count: int
    sources: Tensor
    rows: Tensor


def sample_batch(shards: Sequence[Latents], size: int, step: int, empty_prompts: float = 0.02) -> Batch:
    """The batch of a step. The step alone decides, so that a training goes on as if never interrupted.

    The first sample decides the shard and the number of references; the others are drawn until they have as many.
    """
    rng = random.Random(step)  # noqa: S311
    (shard,) = rng.choices(shards, [len(shard.facts) for shard in shards])
    group = [_sample(rng, shard)]
    while len(group) < size:
        index, caption = _sample(rng, shard)
        if len(caption.references) == len(group[0][1].references):
            group.append((index, caption))
    return _batch(shard, group, rng, empty_prompts)


def _sample(rng: random.Random, shard: Latents) -> tuple[int, captions.Caption]:
    index = rng.randrange(len(shard.facts))
    return index, captions.caption(rng, shard.facts[index])


def _batch(
    shard: Latents, group: list[tuple[int, captions.Caption]], rng: random.Random, empty_prompts: float
) -> Batch:
    rows = torch.tensor([index for index, _ in group])
    count = len(group[0][1].references)
    slots = torch.tensor([[SLOTS.index(name) for name in caption.references] for _, caption in group]).long()
    references = shard.references[rows[:, None], slots.view(len(group), count)]
    _, height, width, _ = shard.targets.shape
    return Batch(
        targets=shard.targets[rows].flatten(1, 2).float(),
        references=references.flatten(1, 3).float(),
        captions=["" if rng.random() < empty_prompts else caption.text for _, caption in group],
        grid=(height, width),
        reference_grid=(references.shape[2], references.shape[3]),
        count=count,
        sources=torch.stack([token_sources(shard.facts[i], c.references, height, width) for i, c in group]),
        rows=rows,
    )


def token_sources(facts: Facts, references: tuple[str, ...], height: int, width: int) -> Tensor:
    """`Batch.sources` of one composition of height x width tokens: an item owns the tokens whose middle it covers."""
    sources = torch.zeros(height, width, dtype=torch.long)
    for index, item in enumerate(facts["items"]):
        name = f"item{index}"
        left, top, right, bottom = ((edge + TOKEN // 2) // TOKEN for edge in item["box"])
        sources[top:bottom, left:right] = references.index(name) + 1 if name in references else IN_WORDS
    return sources.flatten()
