"""Batches gathered from tensors."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from brandpress.model.nano.batches import IN_WORDS, Batch, Group, groups_of, sample_batch, sources_of
from brandpress.model.nano.dataset import NO_SLOT, SLOTS, Latents, captions_of
from brandpress.model.nano.place import CPU
from brandpress.model.nano.world.facts import random_facts
from brandpress.model.nano.world.library import Library

SIZE, COUNT, DRAWS = 4, 12, 5


def shard(library: Library, tokenizer: Any, height: int, width: int, reference: tuple[int, int] = (4, 4)) -> Latents:
    """Latents that say whose they are: row i's targets hold i, its slot s's tokens hold 5 * i + s."""
    rng = random.Random(height)
    rows = torch.arange(COUNT)
    own = (len(SLOTS) * rows[:, None] + torch.arange(len(SLOTS)))[..., None, None, None]
    tokens, slots = captions_of(rng, [random_facts(rng, library) for _ in range(COUNT)], tokenizer, DRAWS)
    return Latents(
        items=torch.arange(height * width).view(1, height, width).expand(COUNT, -1, -1).remainder(4).char(),
        tokens=tokens,
        slots=slots,
        targets=rows.view(-1, 1, 1, 1).expand(-1, height, width, 2).bfloat16(),
        references=own.expand(-1, -1, *reference, 2).bfloat16(),
    )


@pytest.fixture(scope="module")
def groups(library: Library, tokenizer: Any) -> list[Group]:
    return groups_of([shard(library, tokenizer, 8, 8), shard(library, tokenizer, 6, 10, reference=(3, 5))])


def some(groups: list[Group], count: int) -> list[Batch]:
    return [sample_batch(groups, SIZE, step, CPU) for step in range(count)]


def test_every_sample_is_in_the_group_of_its_count(groups: list[Group]) -> None:
    assert sum(len(group.pairs) for group in groups) == 2 * COUNT * DRAWS
    for group in groups:
        rows, draws = group.pairs.unbind(1)
        assert ((group.shard.slots[rows, draws] != NO_SLOT).sum(dim=1) == group.count).all()


def test_a_batch_is_the_same_for_the_same_step_and_no_other(groups: list[Group]) -> None:
    for one, other in zip(some(groups, 6), some(groups, 6), strict=True):
        assert torch.equal(one.tokens, other.tokens) and torch.equal(one.references, other.references)
    batches = some(groups, 40)
    assert len({tuple(batch.tokens.flatten().tolist()) for batch in batches}) == len(batches)


def test_a_batch_is_of_one_size_and_one_count(groups: list[Group]) -> None:
    batches = some(groups, 60)
    for batch in batches:
        assert batch.targets.shape == (SIZE, batch.grid[0] * batch.grid[1], 2)
        height, width = batch.reference_grid
        assert batch.references.shape == (SIZE, height * width * batch.count, 2)
        assert batch.sources.shape == batch.targets.shape[:2]
        assert batch.targets.dtype == batch.references.dtype == torch.float32
    assert {(batch.grid, batch.reference_grid) for batch in batches} == {((8, 8), (4, 4)), ((6, 10), (3, 5))}
    assert {batch.count for batch in batches} >= {0, 1, 2, 3}


def test_references_follow_the_order_of_the_caption(groups: list[Group]) -> None:
    orders = set()
    for batch in some(groups, 40):
        shard = next(g.shard for g in groups if tuple(g.shard.targets.shape[1:3]) == batch.grid)
        for row in range(SIZE):
            index = int(batch.targets[row, 0, 0])
            assert index == batch.rows[row]
            tokens = batch.references[row].unflatten(0, (batch.count, -1)) if batch.count else torch.zeros(0, 1, 2)
            assert torch.equal(tokens, tokens[:, :1, :1].expand_as(tokens)), "a picture's tokens stay together"
            shown = [int(value) - len(SLOTS) * index for value in tokens[:, 0, 0]]
            draws = (shard.tokens[index].long() == batch.tokens[row]).all(dim=1).nonzero().flatten().tolist()
            wanted = [[slot for slot in shard.slots[index, draw].tolist() if slot != NO_SLOT] for draw in draws]
            assert shown in wanted
            orders.add(tuple(shown))
    assert any(list(order) != sorted(order) for order in orders), "no order was ever changed"


def test_sources_are_the_places_of_the_items_references() -> None:
    items = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]])
    slots = torch.tensor([[SLOTS.index("scene"), SLOTS.index("item1")], [SLOTS.index("item2"), SLOTS.index("item0")]])
    assert sources_of(items, slots).tolist() == [[0, IN_WORDS, 2, IN_WORDS], [0, 2, IN_WORDS, 1]]
    assert sources_of(items, slots[:, :0]).tolist() == [[0, IN_WORDS, IN_WORDS, IN_WORDS]] * 2
