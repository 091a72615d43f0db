"""Shards of compositions with captions, as pixels and as latents."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from brandpress.model.nano.architecture import AUTOENCODER, TEXT_LENGTH
from brandpress.model.nano.data.dataset import (
    MAX_REFERENCES,
    NO_SLOT,
    SLOTS,
    LatentShard,
    PixelShard,
    caption_tensors,
    draw_shard,
    token_items,
)
from brandpress.model.nano.data.encode import encode, encode_files
from brandpress.model.nano.tokenizer import PAD_ID, tokenise
from brandpress.model.nano.world.captions import caption
from brandpress.model.nano.world.facts import random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise
from tests.model.nano.cpu import CPU


def test_a_token_shows_the_item_that_covers_its_centre(library: Library) -> None:
    facts = random_facts(random.Random(1), library)
    items = [{**facts["items"][0], "box": list(box)} for box in ((0, 32, 39, 64), (41, 32, 63, 57))]
    shown = token_items({**facts, "items": items}, 4, 4).tolist()
    assert shown == [[0] * 4, [0] * 4, [1, 1, 0, 2], [1, 1, 0, 2]]


def test_caption_tensors_match_the_captions(library: Library, tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brandpress.model.nano.data.dataset.EMPTY_PROMPTS", 0.0)
    rng = random.Random(2)
    facts = [random_facts(rng, library) for _ in range(6)]
    tokens, slots, any_order = caption_tensors(random.Random(3), facts, tokenizer, 5)
    again = random.Random(3)
    captions = [[caption(again, fact) for _ in range(5)] for fact in facts]
    assert tokens.shape == (6, 5, TEXT_LENGTH) and slots.shape == (6, 5, MAX_REFERENCES)
    for i, row in enumerate(captions):
        for k, one in enumerate(row):
            assert torch.equal(tokens[i, k].long(), tokenise(tokenizer, [one.text])["input_ids"][0])
            used_slots = [slot for slot in slots[i, k].tolist() if slot != NO_SLOT]
            assert [SLOTS[slot] for slot in used_slots] == list(one.references)
            assert slots[i, k, len(used_slots) :].eq(NO_SLOT).all()
            assert any_order[i, k].item() == one.any_order


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 1, 1)])
def test_a_share_of_the_prompts_is_empty(
    library: Library, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, share: float, low: float, high: float
) -> None:
    monkeypatch.setattr("brandpress.model.nano.data.dataset.EMPTY_PROMPTS", share)
    rng = random.Random(2)
    tokens, _, any_order = caption_tensors(rng, [random_facts(rng, library) for _ in range(40)], tokenizer, 5)
    empty = (tokens != PAD_ID).sum(dim=2) == 2
    assert low <= empty.float().mean() <= high
    assert not (any_order & empty).any(), "nothing tells what their references show"


def test_shards_depend_on_the_seed_only(library: Library, pixel_shard: PixelShard, tokenizer: Any) -> None:
    again = draw_shard(library, 12, (128, 128), (64, 64), "drawn", tokenizer, 4)
    other = draw_shard(library, 2, (96, 160), (48, 80), "other")
    assert all(torch.equal(value, pixel_shard.tensors()[name]) for name, value in again.tensors().items())
    assert other.pictures.shape == (2, 3, 160, 96)
    assert other.references.shape == (2, len(SLOTS), 3, 80, 48)
    assert other.items.shape == (2, 10, 6)
    assert other.tokens.shape == (2, 0, TEXT_LENGTH), "without a tokenizer there are no captions"


def test_references_are_in_the_slots_of_their_subjects(pixel_shard: PixelShard) -> None:
    filled = pixel_shard.references.flatten(2).amax(dim=2) > 0
    for row, items, slots in zip(filled, pixel_shard.items, pixel_shard.slots, strict=True):
        assert row[: SLOTS.index("scene")].sum() == items.max() and row[SLOTS.index("scene")]
        used = slots[slots != NO_SLOT].long()
        assert row[used].all(), "a caption's references exist"


def test_latents_are_the_encoded_pictures_in_row_order(pixel_shard: PixelShard, tmp_path: Path) -> None:
    autoencoder = randomise(Autoencoder(AUTOENCODER), spread=0.5)
    scene = SLOTS.index("scene")
    few = PixelShard(**{name: value[:2] for name, value in pixel_shard.tensors().items()})
    latents = encode(autoencoder, few, CPU)
    assert latents.targets.shape == (2, 8, 8, AUTOENCODER.token_channels)
    assert latents.references.shape == (2, len(SLOTS), 4, 4, AUTOENCODER.token_channels)
    with torch.no_grad():
        target = autoencoder.encode(few.pictures[1:].float() / 127.5 - 1)[0]
        reference = autoencoder.encode(few.references[1, scene : scene + 1].float() / 127.5 - 1)[0]
    for encoded, expected in ((latents.targets[1], target), (latents.references[1, scene], reference)):
        error = (encoded.float() - expected.permute(1, 2, 0)).abs().mean()
        assert error < 0.1 * expected.std()
    shown = few.references.flatten(2).amax(dim=2) > 0
    assert torch.equal(latents.references.flatten(2).abs().amax(dim=2) > 0, shown), "empty slots stay empty"
    latents.save(tmp_path / "new" / "latents.safetensors")
    again = LatentShard.load(tmp_path / "new" / "latents.safetensors")
    assert all(torch.equal(value, again.tensors()[name]) for name, value in latents.tensors().items())


def test_files_are_encoded_until_the_stop_condition(pixel_shard: PixelShard, tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.safetensors" for index in range(4)]
    for path in paths:
        PixelShard(**{name: value[:1] for name, value in pixel_shard.tensors().items()}).save(path)
    autoencoder = randomise(Autoencoder(AUTOENCODER), spread=0.5)
    for enough, count in ((lambda: True, 1), (lambda: False, 4)):
        pairs = list(encode_files(autoencoder, paths, CPU, enough))
        assert len(pairs) == count
        joined = LatentShard.concatenate([latents for _, latents in pairs])
        assert joined.targets.shape[0] == count
