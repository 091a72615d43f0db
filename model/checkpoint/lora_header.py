"""What a LoRA's header says: which layers of a transformer it updates, and how strongly. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.checkpoint.header import Header, read_header
from brandpress.model.checkpoint.lora_config import Strength, strength_of
from brandpress.model.checkpoint.lora_names import Pair, Places, Target, check
from brandpress.model.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class LoraLayers:
    """The pairs of factors in a file, the modules that each pair's name stands for, and the strength of an update."""

    pairs: Sequence[Pair]
    places: Mapping[str, Places]
    strength: Strength


def read_layers(file: Path, target: Target) -> LoraLayers:
    """Reads a LoRA's layers from its header. Raises CheckpointError for a file that isn't a LoRA of this model."""
    header = read_header(file)
    try:
        pairs, places = check(header.shapes, target)
        alphas = {pair.layer: _alpha(header, pair.alpha) for pair in pairs if pair.alpha}
        ranks = {pair.layer: header.tensors[pair.down].shape[0] for pair in pairs}
        strength = strength_of(file, header.metadata, alphas, ranks)
        for pair in pairs:
            for module, _ in places[pair.name]:
                strength(pair.layer, module, ranks[pair.layer])
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None
    return LoraLayers(pairs, places, strength)


def _alpha(header: Header, key: str) -> float:
    alpha = header.number(key)
    if alpha is None or not math.isfinite(alpha):
        shown_value = f"a tensor of the shape {list(header.tensors[key].shape)}" if alpha is None else alpha
        raise CheckpointError(f"{key}: expected one finite number, got {shown_value}")
    return alpha
