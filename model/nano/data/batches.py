"""Batches of the transformer's training, gathered on the device from latents that are stored there.

Legend: B samples, N target tokens, R tokens of all references of a sample, L text tokens, C token channels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from brandpress.model.nano.architecture import TEXT_LENGTH
from brandpress.model.nano.data.dataset import MAX_REFERENCES, NO_SLOT, LatentShard
from brandpress.model.nano.place import Place

SOURCES, IN_WORDS = 6, 5
TYPICAL_TOKENS = TEXT_LENGTH + 256 + 2 * 64
"""Tokens of a sample of 256 x 256 pixels with two references. Batch sizes are for such samples."""


@dataclass(frozen=True)
class Batch:
    """B samples with the same size and the same number of references.

    targets: (B, N, C), N on a (height, width) `grid`. tokens: (B, L). references: (B, R, C), the tokens of `count`
    pictures of `reference_grid` each. sources: (B, N), what each target token shows: 0 the scene, 1 to 4 the item of
    that reference, IN_WORDS an item without a reference. rows: (B,), the indices of the compositions in their shard.
    """

    targets: Tensor
    tokens: Tensor
    references: Tensor
    grid: tuple[int, int]
    reference_grid: tuple[int, int]
    count: int
    sources: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Group:
    """The samples of one shard with `count` references. pairs: (m, 2), a composition and one of its captions each."""

    shard: LatentShard
    count: int
    pairs: Tensor


def group_samples(shards: Sequence[LatentShard]) -> list[Group]:
    """Returns all samples of the shards, grouped by shard and number of references."""
    groups = []
    for shard in shards:
        counts = (shard.slots != NO_SLOT).sum(dim=2)
        for count in range(MAX_REFERENCES + 1):
            pairs = (counts == count).nonzero()
            if len(pairs):
                groups.append(Group(shard, count, pairs))
    return groups


def sample_batch(groups: Sequence[Group], size: int, step: int, place: Place) -> Batch:
    """Returns the batch of a step. It depends on the step only, so that a resumed training sees the same batches.

    size: samples of TYPICAL_TOKENS; groups with more tokens have fewer, so that steps take about the same time.
    """
    return gather_batch(*sample_pairs(groups, size, step, place))


def sample_pairs(groups: Sequence[Group], size: int, step: int, place: Place) -> tuple[Group, Tensor]:
    """Returns the group of a step and its pairs (B, 2), for `gather_batch`. size: as for `sample_batch`."""
    rng = random.Random(step)  # noqa: S311
    (group,) = rng.choices(groups, [len(group.pairs) for group in groups])
    count = samples_of(group, size)
    indices = torch.randint(len(group.pairs), (count,), generator=place.generator(2 * step), device=place.device)
    return group, group.pairs[indices]


def samples_of(group: Group, size: int) -> int:
    """Returns the samples of a group that have about as many tokens as `size` samples of TYPICAL_TOKENS."""
    shard = group.shard
    _, height, width, _ = shard.targets.shape
    _, _, reference_height, reference_width, _ = shard.references.shape
    tokens = TEXT_LENGTH + height * width + group.count * reference_height * reference_width
    samples = max(1, round(size * TYPICAL_TOKENS / tokens))
    return samples if samples < 16 else samples // 8 * 8


def gather_batch(group: Group, pairs: Tensor, slots: Tensor | None = None) -> Batch:
    """Returns the batch of some of a group's pairs (B, 2).

    slots: the references of each sample, in order (B, count), as indices into SLOTS; default: those of the captions.
    """
    shard, count = group.shard, group.count
    rows, captions = pairs.unbind(1)
    if slots is None:
        slots = reference_slots(group, pairs)
    references = shard.references[rows[:, None], slots]
    _, height, width, _ = shard.targets.shape
    return Batch(
        targets=shard.targets[rows].flatten(1, 2).float(),
        tokens=shard.tokens[rows, captions].long(),
        references=references.flatten(1, 3).float(),
        grid=(height, width),
        reference_grid=(references.shape[2], references.shape[3]),
        count=count,
        sources=token_sources(shard.items[rows].flatten(1).long(), slots),
        rows=rows,
    )


def reference_slots(group: Group, pairs: Tensor) -> Tensor:
    """Returns the references of these pairs (B, 2), in order (B, count), as indices into SLOTS."""
    rows, captions = pairs.unbind(1)
    return group.shard.slots[rows, captions][:, : group.count].long()


def token_sources(items: Tensor, slots: Tensor) -> Tensor:
    """Returns `Batch.sources` for tokens that show `items` (B, N), given the references' `slots` (B, count)."""
    sources = torch.where(items > 0, IN_WORDS, 0)
    for position, slot in enumerate(slots.unbind(1)):
        sources = torch.where(items == slot[:, None] + 1, position + 1, sources)
    return sources
