"""Batches gathered from tensors."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from brandpress.model.nano.architecture import TEXT_LENGTH
from brandpress.model.nano.data.batches import (
    IN_WORDS,
    TYPICAL_TOKENS,
    Batch,
    Group,
    group_samples,
    sample_batch,
    token_sources,
)
from brandpress.model.nano.data.dataset import NO_SLOT, SLOTS, LatentShard, caption_tensors
from brandpress.model.nano.world.facts import random_facts
from brandpress.model.nano.world.library import Library
from tests.model.nano.cpu import CPU

SIZE, COUNT, CAPTIONS = 4, 12, 5


def shard(
    library: Library, tokenizer: Any, height: int, width: int, reference: tuple[int, int] = (4, 4)
) -> LatentShard:
    """Returns latents that identify their origin: row i's targets are i, and the tokens of its slot s are 5 * i + s."""
    rng = random.Random(height)
    rows = torch.arange(COUNT)
    own = (len(SLOTS) * rows[:, None] + torch.arange(len(SLOTS)))[..., None, None, None]
    tokens, slots, any_order = caption_tensors(
        rng, [random_facts(rng, library) for _ in range(COUNT)], tokenizer, CAPTIONS
    )
    return LatentShard(
        items=torch.arange(height * width).view(1, height, width).expand(COUNT, -1, -1).remainder(4).char(),
        tokens=tokens,
        slots=slots,
        any_order=any_order,
        targets=rows.view(-1, 1, 1, 1).expand(-1, height, width, 2).bfloat16(),
        references=own.expand(-1, -1, *reference, 2).bfloat16(),
    )


@pytest.fixture(scope="module")
def groups(library: Library, tokenizer: Any) -> list[Group]:
    return group_samples([shard(library, tokenizer, 8, 8), shard(library, tokenizer, 6, 10, reference=(3, 5))])


def first_batches(groups: list[Group], count: int) -> list[Batch]:
    return [sample_batch(groups, SIZE, step, CPU) for step in range(count)]


def test_samples_are_grouped_by_number_of_references(groups: list[Group]) -> None:
    assert sum(len(group.pairs) for group in groups) == 2 * COUNT * CAPTIONS
    for group in groups:
        rows, draws = group.pairs.unbind(1)
        assert ((group.shard.slots[rows, draws] != NO_SLOT).sum(dim=1) == group.count).all()


def test_a_batch_depends_on_the_step_only_and_differs_between_steps(groups: list[Group]) -> None:
    for one, other in zip(first_batches(groups, 6), first_batches(groups, 6), strict=True):
        assert torch.equal(one.tokens, other.tokens) and torch.equal(one.references, other.references)
    batches = first_batches(groups, 40)
    assert len({tuple(batch.tokens.flatten().tolist()) for batch in batches}) == len(batches)


def test_a_batch_has_one_size_and_one_number_of_references(groups: list[Group]) -> None:
    batches = first_batches(groups, 60)
    for batch in batches:
        height, width = batch.reference_grid
        tokens = TEXT_LENGTH + batch.grid[0] * batch.grid[1] + height * width * batch.count
        size = len(batch.targets)
        assert abs(size * tokens - SIZE * TYPICAL_TOKENS) <= tokens / 2, "about as many tokens in every batch"
        assert batch.targets.shape == (size, batch.grid[0] * batch.grid[1], 2)
        assert batch.references.shape == (size, height * width * batch.count, 2)
        assert batch.sources.shape == batch.targets.shape[:2]
        assert batch.targets.dtype == batch.references.dtype == torch.float32
    assert {(batch.grid, batch.reference_grid) for batch in batches} == {((8, 8), (4, 4)), ((6, 10), (3, 5))}
    assert {batch.count for batch in batches} >= {0, 1, 2, 3}


def test_references_follow_the_order_of_the_caption(groups: list[Group]) -> None:
    orders = set()
    for batch in first_batches(groups, 40):
        shard = next(g.shard for g in groups if tuple(g.shard.targets.shape[1:3]) == batch.grid)
        for row in range(len(batch.targets)):
            index = int(batch.targets[row, 0, 0])
            assert index == batch.rows[row]
            tokens = batch.references[row].unflatten(0, (batch.count, -1)) if batch.count else torch.zeros(0, 1, 2)
            assert torch.equal(tokens, tokens[:, :1, :1].expand_as(tokens)), "a picture's tokens are contiguous"
            shown = [int(value) - len(SLOTS) * index for value in tokens[:, 0, 0]]
            draws = (shard.tokens[index].long() == batch.tokens[row]).all(dim=1).nonzero().flatten().tolist()
            captions = [[slot for slot in shard.slots[index, draw].tolist() if slot != NO_SLOT] for draw in draws]
            assert shown in captions
            orders.add(tuple(shown))
    assert any(list(order) != sorted(order) for order in orders), "all references are in slot order"


def test_sources_are_the_positions_of_the_items_references() -> None:
    items = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]])
    slots = torch.tensor([[SLOTS.index("scene"), SLOTS.index("item1")], [SLOTS.index("item2"), SLOTS.index("item0")]])
    assert token_sources(items, slots).tolist() == [[0, IN_WORDS, 2, IN_WORDS], [0, 2, IN_WORDS, 1]]
    assert token_sources(items, slots[:, :0]).tolist() == [[0, IN_WORDS, IN_WORDS, IN_WORDS]] * 2
