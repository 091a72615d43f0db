"""Reads a LoRA's file: which layers of a transformer it updates, and how.

A tensor that isn't used is an error. `lora_header` reads the layers, `lora_names` has their spellings, `lora_config`
the strength.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from brandpress.model.checkpoint import lora_names
from brandpress.model.checkpoint.lora_config import Strength
from brandpress.model.checkpoint.lora_header import read_layers
from brandpress.model.checkpoint.lora_names import Pair, Places, Target
from brandpress.model.checkpoint.weights import opened
from brandpress.model.errors import CheckpointError
from brandpress.model.network.lora import LoraUpdate
from brandpress.model.network.transformer import Transformer


def read_lora(file: Path, transformer: Transformer) -> list[LoraUpdate]:
    """Reads the updates of a LoRA, in the file's dtype on the CPU.

    Raises CheckpointError for a file that isn't a LoRA of this model; names and shapes are checked before any tensor is
    read.
    """
    layers = read_layers(file, Target(transformer.config, _linear_sizes(transformer)))
    with opened(file) as tensors:
        try:
            return [
                update
                for pair in layers.pairs
                for update in _updates(tensors, pair, layers.places[pair.name], layers.strength)
            ]
        except CheckpointError as error:
            raise CheckpointError(f"{file}: {error}") from None


def layer_places(transformer: nn.Module) -> dict[str, Places]:
    """The modules that a LoRA layer updates, keyed by each name that it can have in a file (see `lora_names`)."""
    return lora_names.layer_places(_linear_sizes(transformer))


def _linear_sizes(transformer: nn.Module) -> dict[str, tuple[int, int]]:
    """The sizes (out, in) of all linear layers; a linear layer inside another (of a LoRA) isn't listed."""
    linears: dict[str, Any] = {
        name: module for name, module in transformer.named_modules() if hasattr(module, "in_features")
    }
    return {
        name: (module.out_features, module.in_features)
        for name, module in linears.items()
        if name.rpartition(".")[0] not in linears
    }


def _updates(tensors: Any, pair: Pair, places: Places, strength: Strength) -> Iterator[LoraUpdate]:
    down, up = _factor(tensors, pair.down), _factor(tensors, pair.up)
    for module, place in places:
        scale = strength(pair.layer, module, len(down))
        part, rows = down, up.roll(len(up) // 2, dims=0) if place.swapped else up
        if place.third is not None:
            rows = up.chunk(3)[place.third]
            used = (rows != 0).any(dim=0)
            if not used.all():  # three LoRAs, one per third, stored as one LoRA with the sum of their ranks
                part, rows = down[used], rows[:, used]
        yield LoraUpdate(module, part, rows, scale)


def _factor(tensors: Any, key: str) -> Tensor:
    tensor: Tensor = tensors.get_tensor(key).flatten(1)
    if not tensor.is_floating_point() or not tensor.float().isfinite().all():
        raise CheckpointError(f"{key} ({tensor.dtype}): expected finite floating-point numbers; the file is broken")
    return tensor.to(torch.bfloat16) if tensor.itemsize == 1 else tensor
