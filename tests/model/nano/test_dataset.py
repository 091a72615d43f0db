"""Compositions with their captions as tensors, drawn and encoded."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from brandpress.model.nano.architecture import AUTOENCODER, TEXT_LENGTH
from brandpress.model.nano.dataset import (
    MOST_REFERENCES,
    NO_SLOT,
    SLOTS,
    Drawn,
    Latents,
    captions_of,
    draw_from,
    token_items,
)
from brandpress.model.nano.encode import encode, encode_files
from brandpress.model.nano.place import CPU
from brandpress.model.nano.tokenizer import PAD_ID, tokenise
from brandpress.model.nano.world.captions import caption
from brandpress.model.nano.world.facts import random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise


def test_a_token_shows_the_item_that_covers_its_middle(library: Library) -> None:
    facts = random_facts(random.Random(1), library)
    items = [{**facts["items"][0], "box": list(box)} for box in ((0, 32, 39, 64), (41, 32, 63, 57))]
    shown = token_items({**facts, "items": items}, 4, 4).tolist()
    assert shown == [[0] * 4, [0] * 4, [1, 1, 0, 2], [1, 1, 0, 2]]


def test_captions_as_tensors_are_what_the_captions_say(
    library: Library, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brandpress.model.nano.dataset.EMPTY_PROMPTS", 0.0)
    rng = random.Random(2)
    facts = [random_facts(rng, library) for _ in range(6)]
    tokens, slots = captions_of(random.Random(3), facts, tokenizer, 5)
    again = random.Random(3)
    said = [[caption(again, fact) for _ in range(5)] for fact in facts]
    assert tokens.shape == (6, 5, TEXT_LENGTH) and slots.shape == (6, 5, MOST_REFERENCES)
    for i, row in enumerate(said):
        for k, one in enumerate(row):
            assert torch.equal(tokens[i, k].long(), tokenise(tokenizer, [one.text])["input_ids"][0])
            there = [slot for slot in slots[i, k].tolist() if slot != NO_SLOT]
            assert [SLOTS[slot] for slot in there] == list(one.references)
            assert slots[i, k, len(there) :].eq(NO_SLOT).all()


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 1, 1)])
def test_a_share_of_prompts_is_empty(
    library: Library, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, share: float, low: float, high: float
) -> None:
    monkeypatch.setattr("brandpress.model.nano.dataset.EMPTY_PROMPTS", share)
    rng = random.Random(2)
    tokens, _ = captions_of(rng, [random_facts(rng, library) for _ in range(40)], tokenizer, 5)
    empty = (tokens != PAD_ID).sum(dim=2) == 2
    assert low <= empty.float().mean() <= high


def test_drawing_is_the_same_for_the_same_seed(library: Library, drawn: Drawn, tokenizer: Any) -> None:
    again = draw_from(library, 12, (128, 128), (64, 64), "drawn", tokenizer, 4)
    other = draw_from(library, 2, (96, 160), (48, 80), "other")
    assert all(torch.equal(value, drawn.tensors()[name]) for name, value in again.tensors().items())
    assert other.pictures.shape == (2, 3, 160, 96)
    assert other.references.shape == (2, len(SLOTS), 3, 80, 48)
    assert other.items.shape == (2, 10, 6)
    assert other.tokens.shape == (2, 0, TEXT_LENGTH), "without a tokenizer there are no captions"


def test_references_lie_in_the_slots_of_what_is_shown(drawn: Drawn) -> None:
    filled = drawn.references.flatten(2).amax(dim=2) > 0
    for row, items, slots in zip(filled, drawn.items, drawn.slots, strict=True):
        assert row[:3].sum() == items.max() and row[3]
        used = slots[slots != NO_SLOT].long()
        assert row[used].all(), "a caption's references are there"


def test_latents_are_the_pictures_tokens_in_row_order(drawn: Drawn, tmp_path: Path) -> None:
    autoencoder = randomise(Autoencoder(AUTOENCODER), spread=0.5)
    few = Drawn(**{name: value[:2] for name, value in drawn.tensors().items()})
    latents = encode(autoencoder, few, CPU)
    assert latents.targets.shape == (2, 8, 8, AUTOENCODER.token_channels)
    assert latents.references.shape == (2, len(SLOTS), 4, 4, AUTOENCODER.token_channels)
    with torch.no_grad():
        target = autoencoder.encode(few.pictures[1:].float() / 127.5 - 1)[0]
        reference = autoencoder.encode(few.references[1, 3:4].float() / 127.5 - 1)[0]
    for made, wanted in ((latents.targets[1], target), (latents.references[1, 3], reference)):
        error = (made.float() - wanted.permute(1, 2, 0)).abs().mean()
        assert error < 0.1 * wanted.std()
    shown = few.references.flatten(2).amax(dim=2) > 0
    assert torch.equal(latents.references.flatten(2).abs().amax(dim=2) > 0, shown), "empty slots stay empty"
    latents.save(tmp_path / "new" / "latents.safetensors")
    again = Latents.load(tmp_path / "new" / "latents.safetensors")
    assert all(torch.equal(value, again.tensors()[name]) for name, value in latents.tensors().items())


def test_files_are_encoded_until_it_is_enough(drawn: Drawn, tmp_path: Path) -> None:
    paths = [tmp_path / f"{index}.safetensors" for index in range(4)]
    for path in paths:
        Drawn(**{name: value[:1] for name, value in drawn.tensors().items()}).save(path)
    autoencoder = randomise(Autoencoder(AUTOENCODER), spread=0.5)
    for enough, count in ((lambda: True, 1), (lambda: False, 4)):
        pairs = list(encode_files(autoencoder, paths, CPU, enough))
        assert len(pairs) == count
        joined = Latents.joined([latents for _, latents in pairs])
        assert joined.targets.shape[0] == count
