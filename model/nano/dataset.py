"""Compositions of the drawn world with captions that are drawn and tokenised ahead, all of it as tensors.

Legend: n compositions, K captions of each, L text tokens, (h, w) the grid of latent tokens, C token channels.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from brandpress.model.nano.architecture import TEXT_LENGTH
from brandpress.model.nano.tokenizer import tokenise
from brandpress.model.nano.world.captions import caption
from brandpress.model.nano.world.compose import compose
from brandpress.model.nano.world.facts import Facts
from brandpress.model.nano.world.layout import TOKEN
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Size

SLOTS = ("item0", "item1", "item2", "scene", "style")
MOST_REFERENCES = 4
NO_SLOT = -1
CAPTION_DRAWS = 8
"""How many captions, each with its references and their order, go with a composition."""
EMPTY_PROMPTS = 0.02


@dataclass(frozen=True)
class Tensors:
    """A record of tensors, all with the same first dimension, kept in one file."""

    def tensors(self) -> dict[str, Tensor]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def save(self, path: Path) -> None:
        """A reader finds the whole file or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file({name: value.cpu().contiguous() for name, value in self.tensors().items()}, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**load_file(path))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        tensors = [part.tensors() for part in parts]
        return cls(**{name: torch.cat([part[name] for part in tensors]) for name in tensors[0]})

    def parts(self, size: int) -> Iterator[Self]:
        """The rows in their order, so many at a time."""
        tensors = self.tensors()
        for first in range(0, len(next(iter(tensors.values()))), size):
            yield type(self)(**{name: value[first : first + size] for name, value in tensors.items()})

    def to(self, device: torch.device) -> Self:
        return type(self)(**{name: value.to(device) for name, value in self.tensors().items()})


@dataclass(frozen=True)
class Captioned(Tensors):
    """What n compositions show and how they are captioned.

    items: (n, h, w) int8, what each token shows: 0 the scene, i + 1 item i. tokens: (n, K, L) int16, padded. slots:
    (n, K, 4) int8, indices into SLOTS of the references that go with a caption, in its order; NO_SLOT past the last.
    """

    items: Tensor
    tokens: Tensor
    slots: Tensor


@dataclass(frozen=True)
class Drawn(Captioned):
    """n compositions of one size: pictures (n, 3, H, W) and references (n, slots, 3, H', W'), uint8."""

    pictures: Tensor
    references: Tensor


@dataclass(frozen=True)
class Latents(Captioned):
    """n compositions of one size as tokens, bfloat16: targets (n, h, w, C), references (n, slots, h', w', C)."""

    targets: Tensor
    references: Tensor


def draw_from(
    library: Library, count: int, size: Size, reference: Size, seed: str, tokenizer: Any = None, draws: int = 0
) -> Drawn:
    """`count` compositions of one size with references of another, and `draws` captions of each."""
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
    tokens, slots = captions_of(rng, facts, tokenizer, draws)
    return Drawn(
        items=torch.stack([token_items(fact, height // TOKEN, width // TOKEN) for fact in facts]),
        tokens=tokens,
        slots=slots,
        pictures=torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(),
        references=torch.from_numpy(references).permute(0, 1, 4, 2, 3).contiguous(),
    )


def captions_of(rng: random.Random, facts: Iterable[Facts], tokenizer: Any, draws: int) -> tuple[Tensor, Tensor]:
    """`Captioned.tokens` and `Captioned.slots` of compositions; a share of the prompts is empty."""
    drawn = [[caption(rng, fact) for _ in range(draws)] for fact in facts]
    if not draws:
        return torch.zeros(len(drawn), 0, TEXT_LENGTH).short(), torch.zeros(len(drawn), 0, MOST_REFERENCES).char()
    texts = ["" if rng.random() < EMPTY_PROMPTS else one.text for row in drawn for one in row]
    slots = torch.full((len(drawn), draws, MOST_REFERENCES), NO_SLOT, dtype=torch.int8)
    for i, row in enumerate(drawn):
        for k, one in enumerate(row):
            for place, name in enumerate(one.references):
                slots[i, k, place] = SLOTS.index(name)
    tokens: Tensor = tokenise(tokenizer, texts)["input_ids"]
    return torch.unflatten(tokens.short(), 0, (-1, draws)), slots


def token_items(facts: Facts, height: int, width: int) -> Tensor:
    """`Captioned.items` of one composition of height x width tokens: an item owns the tokens whose middle it covers."""
    items = torch.zeros(height, width, dtype=torch.int8)
    for index, item in enumerate(facts["items"]):
        left, top, right, bottom = ((edge + TOKEN // 2) // TOKEN for edge in item["box"])
        items[top:bottom, left:right] = index + 1
    return items
