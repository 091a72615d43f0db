"""Compositions as latents, and the batches drawn from them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from model.autoencoder import Autoencoder
from model.nano.architecture import AUTOENCODER
from model.nano.dataset import (
    IN_WORDS,
    SLOTS,
    Batch,
    Drawn,
    Latents,
    draw_from,
    encode,
    sample_batch,
    token_sources,
)
from model.nano.world import captions
from model.nano.world.captions import Caption
from model.nano.world.facts import random_facts
from model.nano.world.library import Library
from tests.model.layout import randomise

SIZE, COUNT = 4, 12


def shard(library: Library, height: int, width: int, seed: int, reference: tuple[int, int] = (4, 4)) -> Latents:
    """Latents that say whose they are: row i's targets hold i, its slot s's tokens hold 5 * i + s."""
    rng = random.Random(seed)
    rows = torch.arange(COUNT)
    slots = (len(SLOTS) * rows[:, None] + torch.arange(len(SLOTS)))[..., None, None, None]
    return Latents(
        targets=rows.view(-1, 1, 1, 1).expand(-1, height, width, 2).bfloat16(),
        references=slots.expand(-1, -1, *reference, 2).bfloat16(),
        facts=[random_facts(rng, library) for _ in range(COUNT)],
    )


@pytest.fixture(scope="module")
def shards(library: Library) -> list[Latents]:
    return [shard(library, 8, 8, 1), shard(library, 6, 10, 2, reference=(3, 5))]


def some(shards: list[Latents], count: int, **options: Any) -> list[Batch]:
    return [sample_batch(shards, SIZE, step, **options) for step in range(count)]


def equal(one: Batch, other: Batch) -> bool:
    return (
        (one.captions, one.grid, one.count) == (other.captions, other.grid, other.count)
        and torch.equal(one.targets, other.targets)
        and torch.equal(one.references, other.references)
    )


def test_a_batch_is_the_same_for_the_same_step(shards: list[Latents]) -> None:
    assert all(equal(one, other) for one, other in zip(some(shards, 6), some(shards, 6), strict=True))


def test_no_two_steps_are_the_same(shards: list[Latents]) -> None:
    batches = some(shards, 40)
    assert len({tuple(batch.captions) for batch in batches}) == len(batches)


def test_a_batch_is_of_one_size_and_one_count(shards: list[Latents]) -> None:
    batches = some(shards, 60)
    for batch in batches:
        assert batch.targets.shape == (SIZE, batch.grid[0] * batch.grid[1], 2)
        height, width = batch.reference_grid
        assert batch.references.shape == (SIZE, height * width * batch.count, 2)
        assert batch.sources.shape == batch.targets.shape[:2]
        assert len(batch.captions) == SIZE
        assert batch.targets.dtype == batch.references.dtype == torch.float32
    assert {(batch.grid, batch.reference_grid) for batch in batches} == {((8, 8), (4, 4)), ((6, 10), (3, 5))}
    assert {batch.count for batch in batches} >= {0, 1, 2, 3}


def test_a_token_shows_the_item_that_covers_its_middle(library: Library) -> None:
    facts = random_facts(random.Random(1), library)
    items = [{**facts["items"][0], "box": list(box)} for box in ((0, 32, 39, 64), (41, 32, 63, 57))]
    sources = token_sources({**facts, "items": items}, ("scene", "item1"), 4, 4).view(4, 4).tolist()
    word, second = IN_WORDS, 2
    assert sources == [[0] * 4, [0] * 4, [word, word, 0, second], [word, word, 0, second]]


def test_references_follow_the_order_of_the_caption(shards: list[Latents], monkeypatch: pytest.MonkeyPatch) -> None:
    made: dict[str, Caption] = {}
    draw = captions.caption

    def spy(*arguments: Any) -> Caption:
        caption: Caption = draw(*arguments)
        made[caption.text] = caption
        return caption

    monkeypatch.setattr(captions, "caption", spy)
    orders = set()
    for batch in some(shards, 30, empty_prompts=0.0):
        for row, text in enumerate(batch.captions):
            index = int(batch.targets[row, 0, 0])
            tokens = batch.references[row].unflatten(0, (batch.count, -1)) if batch.count else torch.zeros(0, 1, 2)
            assert torch.equal(tokens, tokens[:, :1, :1].expand_as(tokens)), "a picture's tokens stay together"
            shown = [int(value) for value in tokens[:, 0, 0]]
            wanted = made[text].references
            assert shown == [len(SLOTS) * index + SLOTS.index(name) for name in wanted]
            orders.add(wanted)
    assert any(list(order) != sorted(order, key=SLOTS.index) for order in orders), "no order was ever changed"


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 1, 1)])
def test_a_share_of_prompts_is_left_empty(shards: list[Latents], share: float, low: float, high: float) -> None:
    captions = [text for batch in some(shards, 60, empty_prompts=share) for text in batch.captions]
    assert low <= sum(not text for text in captions) / len(captions) <= high


def test_drawing_is_the_same_for_the_same_seed(library: Library, drawn: Drawn) -> None:
    again, other = (
        draw_from(library, 2, (128, 128), (64, 64), "drawn"),
        draw_from(library, 2, (96, 160), (48, 80), "other"),
    )
    assert torch.equal(again.pictures, drawn.pictures[:2])
    assert torch.equal(again.references, drawn.references[:2])
    assert again.facts == drawn.facts[:2]
    assert other.pictures.shape == (2, 3, 160, 96)
    assert other.references.shape == (2, len(SLOTS), 3, 80, 48)


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
