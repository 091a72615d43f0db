"""Batches gathered on the device from latents that live there.

Legend: B samples, N target tokens, R tokens of all references of a sample, L text tokens, C token channels.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from brandpress.model.nano.dataset import MOST_REFERENCES, NO_SLOT, Latents
from brandpress.model.nano.place import Place

SOURCES, IN_WORDS = 6, 5


@dataclass(frozen=True)
class Batch:
    """B samples of one size and one number of references.

    targets: (B, N, C), N on a (height, width) `grid`. tokens: (B, L). references: (B, R, C), the tokens of `count`
    pictures, each on a `reference_grid`. sources: (B, N), what each target token shows: 0 the scene, 1 to 4 the item of
    that reference, IN_WORDS an item without a reference. rows: (B,), which of the shard's compositions these are.
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
    """The samples of one shard that have `count` references: pairs (m, 2) of a composition and one of its captions."""

    shard: Latents
    count: int
    pairs: Tensor


def groups_of(shards: Sequence[Latents]) -> list[Group]:
    """All samples of the shards, by shard and by number of references."""
    groups = []
    for shard in shards:
        counts = (shard.slots != NO_SLOT).sum(dim=2)
        for count in range(MOST_REFERENCES + 1):
            pairs = (counts == count).nonzero()
            if len(pairs):
                groups.append(Group(shard, count, pairs))
    return groups


def sample_batch(groups: Sequence[Group], size: int, step: int, place: Place) -> Batch:
    """The batch of a step. The step alone decides, so that a training goes on as if never interrupted."""
    rng = random.Random(step)  # noqa: S311
    (group,) = rng.choices(groups, [len(group.pairs) for group in groups])
    chosen = torch.randint(len(group.pairs), (size,), generator=place.generator(2 * step), device=place.device)
    return batch_of(group, group.pairs[chosen])


def batch_of(group: Group, pairs: Tensor) -> Batch:
    """The batch of some of a group's pairs (B, 2)."""
    shard, count = group.shard, group.count
    rows, draws = pairs.unbind(1)
    slots = shard.slots[rows, draws][:, :count].long()
    references = shard.references[rows[:, None], slots]
    _, height, width, _ = shard.targets.shape
    return Batch(
        targets=shard.targets[rows].flatten(1, 2).float(),
        tokens=shard.tokens[rows, draws].long(),
        references=references.flatten(1, 3).float(),
        grid=(height, width),
        reference_grid=(references.shape[2], references.shape[3]),
        count=count,
        sources=sources_of(shard.items[rows].flatten(1).long(), slots),
        rows=rows,
    )


def sources_of(items: Tensor, slots: Tensor) -> Tensor:
    """`Batch.sources` of tokens that show `items` (B, N), where the references are those of `slots` (B, count)."""
    sources = torch.where(items > 0, IN_WORDS, 0)
    for place, slot in enumerate(slots.unbind(1)):
        sources = torch.where(items == slot[:, None] + 1, place + 1, sources)
    return sources
