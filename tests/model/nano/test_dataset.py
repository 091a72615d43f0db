"""Compositions as latents, and the batches drawn from them."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from model.autoencoder import Autoencoder
from model.nano.architecture import AUTOENCODER
from model.nano.dataset import POOL_BATCHES, SLOTS, Batch, Drawn, Latents, draw_from, encode, sample_batches
from model.nano.world import captions
from model.nano.world.captions import Caption
from model.nano.world.facts import random_facts
from model.nano.world.library import Library
from tests.model.layout import randomise

SIZE, COUNT = 4, 12


def shard(library: Library, height: int, width: int, seed: int) -> Latents:
    """Latents that say whose they are: row i's targets hold i, its slot s's tokens hold 5 * i + s."""
    rng = random.Random(seed)
    rows = torch.arange(COUNT)
    slots = (len(SLOTS) * rows[:, None] + torch.arange(len(SLOTS)))[..., None, None, None]
    return Latents(
        targets=rows.view(-1, 1, 1, 1).expand(-1, height, width, 2).bfloat16(),
        references=slots.expand(-1, -1, 4, 4, 2).bfloat16(),
        facts=[random_facts(rng, library) for _ in range(COUNT)],
    )


@pytest.fixture(scope="module")
def shards(library: Library) -> list[Latents]:
    return [shard(library, 8, 8, 1), shard(library, 6, 10, 2)]


def first(shards: list[Latents], count: int, start: int = 0, **options: Any) -> list[Batch]:
    return list(islice(sample_batches(shards, SIZE, start, **options), count))


def equal(one: Batch, other: Batch) -> bool:
    return (
        (one.captions, one.grid, one.count) == (other.captions, other.grid, other.count)
        and torch.equal(one.targets, other.targets)
        and torch.equal(one.references, other.references)
    )


@pytest.mark.parametrize("start", [0, 1, POOL_BATCHES - 1, POOL_BATCHES, POOL_BATCHES + 5])
def test_batches_go_on_from_any_step_as_if_never_interrupted(shards: list[Latents], start: int) -> None:
    whole = first(shards, start + 6)
    resumed = first(shards, 6, start)
    assert all(equal(one, other) for one, other in zip(whole[start:], resumed, strict=True))


def test_no_two_pools_are_the_same(shards: list[Latents]) -> None:
    batches = first(shards, 3 * POOL_BATCHES)
    assert len({tuple(batch.captions) for batch in batches}) == len(batches)


def test_a_batch_is_of_one_size_and_one_count(shards: list[Latents]) -> None:
    batches = first(shards, 4 * POOL_BATCHES)
    for batch in batches:
        assert batch.targets.shape == (SIZE, batch.grid[0] * batch.grid[1], 2)
        assert batch.references.shape == (SIZE, 16 * batch.count, 2)
        assert len(batch.captions) == SIZE
        assert batch.targets.dtype == batch.references.dtype == torch.float32
    assert {batch.grid for batch in batches} == {(8, 8), (6, 10)}
    assert {batch.count for batch in batches} >= {0, 1, 2, 3}


def test_references_follow_the_order_of_the_caption(shards: list[Latents], monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Caption] = {}
    draw = captions.caption

    def spy(*arguments: Any) -> Caption:
        caption: Caption = draw(*arguments)
        made[caption.text] = caption
        return caption

    monkeypatch.setattr(captions, "caption", spy)
    orders = set()
    for batch in first(shards, 2 * POOL_BATCHES, empty_prompts=0.0):
        for row, text in enumerate(batch.captions):
            index = int(batch.targets[row, 0, 0])
            tokens = batch.references[row].view(batch.count, 16, 2)
            assert torch.equal(tokens, tokens[:, :1, :1].expand_as(tokens)), "a picture's tokens stay together"
            shown = [int(value) for value in tokens[:, 0, 0]]
            wanted = made[text].references
            assert shown == [len(SLOTS) * index + SLOTS.index(name) for name in wanted]
            orders.add(wanted)
    assert any(list(order) != sorted(order, key=SLOTS.index) for order in orders), "no order was ever changed"


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 1, 1)])
def test_a_share_of_prompts_is_left_empty(shards: list[Latents], share: float, low: float, high: float) -> None:
    captions = [text for batch in first(shards, 4 * POOL_BATCHES, empty_prompts=share) for text in batch.captions]
    assert low <= sum(not text for text in captions) / len(captions) <= high


def test_drawing_is_the_same_for_the_same_seed(library: Library, drawn: Drawn) -> None:
    again, other = draw_from(library, 2, (128, 128), "drawn"), draw_from(library, 2, (96, 160), "other")
    assert torch.equal(again.pictures, drawn.pictures[:2])
    assert torch.equal(again.references, drawn.references[:2])
    assert again.facts == drawn.facts[:2]
    assert other.pictures.shape == (2, 3, 160, 96)
    assert other.references.shape == (2, len(SLOTS), 3, 64, 64)


def test_references_lie_in_the_slots_of_what_is_shown(drawn: Drawn) -> None:
    filled = drawn.references.flatten(2).amax(dim=2) > 0
    for row, facts in zip(filled.tolist(), drawn.facts, strict=True):
        items = len(facts["items"])
        assert row == [slot < items for slot in range(3)] + [True, facts["grade"] != "none"]


def test_latents_are_the_pictures_tokens_in_row_order(drawn: Drawn, tmp_path: Path) -> None:
    autoencoder = randomise(Autoencoder(AUTOENCODER), spread=0.5)
    few = Drawn(drawn.pictures[:2], drawn.references[:2], drawn.facts[:2])
    latents = encode(autoencoder, few)
    assert latents.targets.shape == (2, 8, 8, AUTOENCODER.token_channels)
    assert latents.references.shape == (2, len(SLOTS), 4, 4, AUTOENCODER.token_channels)
    with torch.no_grad():
        target = autoencoder.encode(few.pictures[1:].float() / 127.5 - 1)[0]
        reference = autoencoder.encode(few.references[1, 3:4].float() / 127.5 - 1)[0]
    for made, wanted in ((latents.targets[1], target), (latents.references[1, 3], reference)):
        error = (made.float() - wanted.permute(1, 2, 0)).abs().mean()
        assert error < 0.1 * wanted.std()
    latents.save(tmp_path / "new" / "latents.safetensors")
    again = Latents.load(tmp_path / "new" / "latents.safetensors")
    assert torch.equal(again.targets, latents.targets) and torch.equal(again.references, latents.references)
    assert again.facts == latents.facts
