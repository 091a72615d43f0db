"""Shards of rendered compositions with tokenised captions, stored as tensors.

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

SLOTS = ("item0", "item1", "item2", "item3", "scene", "style")
MAX_REFERENCES = 4
NO_SLOT = -1
CAPTIONS_PER_COMPOSITION = 12
"""Random captions per composition, each with its own references."""
EMPTY_PROMPTS = 0.02
"""Share of captions that are replaced by the empty prompt."""


@dataclass(frozen=True)
class TensorRecord:
    """Tensors with the same first dimension, stored in one file."""

    def tensors(self) -> dict[str, Tensor]:
        """Returns the tensors keyed by field name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def save(self, path: Path) -> None:
        """Write the file atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file({name: value.cpu().contiguous() for name, value in self.tensors().items()}, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` wrote."""
        return cls(**load_file(path))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Returns the rows of all parts, in order."""
        tensors = [part.tensors() for part in parts]
        return cls(**{name: torch.cat([part[name] for part in tensors]) for name in tensors[0]})

    def split(self, size: int) -> Iterator[Self]:
        """Yields the rows in order, `size` at a time."""
        tensors = self.tensors()
        for first in range(0, len(next(iter(tensors.values()))), size):
            yield type(self)(**{name: value[first : first + size] for name, value in tensors.items()})

    def to(self, device: torch.device) -> Self:
        """Returns a copy on the device."""
        return type(self)(**{name: value.to(device) for name, value in self.tensors().items()})


@dataclass(frozen=True)
class Shard(TensorRecord):
    """The items and captions of n compositions.

    items: (n, h, w) int8, what each token shows: 0 the scene, i + 1 item i. tokens: (n, K, L) int16, padded.
    slots: (n, K, 4) int8, indices into SLOTS of each caption's references in order, padded with NO_SLOT.
    any_order: (n, K) bool, `Caption.any_order`.
    """

    items: Tensor
    tokens: Tensor
    slots: Tensor
    any_order: Tensor


@dataclass(frozen=True)
class PixelShard(Shard):
    """n compositions of one size as uint8 pixels: pictures (n, 3, H, W), references (n, slots, 3, H', W')."""

    pictures: Tensor
    references: Tensor


@dataclass(frozen=True)
class LatentShard(Shard):
    """n compositions of one size as bfloat16 latents: targets (n, h, w, C), references (n, slots, h', w', C)."""

    targets: Tensor
    references: Tensor


def draw_shard(
    library: Library, count: int, size: Size, reference: Size, seed: str, tokenizer: Any = None, captions: int = 0
) -> PixelShard:
    """Returns `count` random compositions with `captions` captions each.

    size, reference: width and height of the pictures and of the references. tokenizer: needed for captions only.
    """
    rng, (width, height) = random.Random(seed), size  # noqa: S311
    pictures = np.zeros((count, height, width, 3), np.uint8)
    references = np.zeros((count, len(SLOTS), reference[1], reference[0], 3), np.uint8)
    facts = []
    for i in range(count):
        composition = compose(rng, library, width, height, reference=reference)
        pictures[i] = np.asarray(composition.picture)
        for slot, picture in enumerate(composition.item_references):
            references[i, slot] = np.asarray(picture)
        references[i, SLOTS.index("scene")] = np.asarray(composition.scene_reference)
        if composition.style_reference is not None:
            references[i, SLOTS.index("style")] = np.asarray(composition.style_reference)
        facts.append(composition.facts)
    tokens, slots, any_order = caption_tensors(rng, facts, tokenizer, captions)
    return PixelShard(
        items=torch.stack([token_items(fact, height // TOKEN, width // TOKEN) for fact in facts]),
        tokens=tokens,
        slots=slots,
        any_order=any_order,
        pictures=torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous(),
        references=torch.from_numpy(references).permute(0, 1, 4, 2, 3).contiguous(),
    )


def caption_tensors(
    rng: random.Random, facts: Iterable[Facts], tokenizer: Any, count: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns `Shard.tokens`, `.slots` and `.any_order` with `count` random captions of each composition."""
    captions = [[caption(rng, fact) for _ in range(count)] for fact in facts]
    slots = torch.full((len(captions), count, MAX_REFERENCES), NO_SLOT, dtype=torch.int8)
    any_order = torch.zeros(len(captions), count, dtype=torch.bool)
    if not count:
        return torch.zeros(len(captions), 0, TEXT_LENGTH).short(), slots, any_order
    texts = ["" if rng.random() < EMPTY_PROMPTS else one.text for row in captions for one in row]
    for i, row in enumerate(captions):
        for k, one in enumerate(row):
            any_order[i, k] = one.any_order and texts[i * count + k] != ""
            for position, name in enumerate(one.references):
                slots[i, k, position] = SLOTS.index(name)
    tokens: Tensor = tokenise(tokenizer, texts)["input_ids"]
    return torch.unflatten(tokens.short(), 0, (-1, count)), slots, any_order


def token_items(facts: Facts, height: int, width: int) -> Tensor:
    """Returns `Shard.items` of one composition: a token shows the item that covers its centre. Sizes are in tokens.

    Where items overlap, the first one is in front.
    """
    items = torch.zeros(height, width, dtype=torch.int8)
    for index, item in reversed(list(enumerate(facts["items"]))):
        left, top, right, bottom = ((edge + TOKEN // 2) // TOKEN for edge in item["box"])
        items[top:bottom, left:right] = index + 1
    return items
