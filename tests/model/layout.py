"""Names and shapes of the real checkpoints' tensors, from `keys/*.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from brandpress.model.family import HEAD_SIZE, TransformerSize
from brandpress.model.network.transformer import TransformerConfig

KEYS = Path(__file__).parent / "keys"
Network = TypeVar("Network", bound=nn.Module)
Shapes = dict[str, tuple[int, ...]]


def real_layout(name: str) -> tuple[dict[str, Any], Shapes, int]:
    """Returns a checkpoint's config, its tensors' shapes, and their total number of elements.

    In the files, a name with a star stands for a tensor of every block.
    """
    file = json.loads((KEYS / f"{name}.json").read_text())
    shapes: Shapes = {}
    for key, shape in file["tensors"].items():
        kind, star, rest = key.partition(".*.")
        for block in range(file["repeat"][kind] if star else 1):
            shapes[f"{kind}.{block}.{rest}" if star else key] = tuple(shape)
    return file["config"], shapes, file["elements"]


def config_of(size: TransformerSize) -> TransformerConfig:
    """The config of a transformer of the family's table."""
    return TransformerConfig(
        num_layers=size.double,
        num_single_layers=size.single,
        num_attention_heads=size.heads,
        attention_head_dim=HEAD_SIZE,
        joint_attention_dim=size.text_width,
        guidance_embeds=size.guidance_embeds,
    )


def shapes_of(module: nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def elements_of(module: nn.Module) -> int:
    return sum(tensor.numel() for tensor in module.state_dict().values())


def randomise(module: Network, seed: int = 0, spread: float = 0.3) -> Network:
    """Randomises every parameter and statistic, so that zeros and ones can't hide errors. Returns the module."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                scale = spread if tensor.ndim < 2 else spread / tensor[0].numel() ** 0.5 * 4
                tensor.normal_(0, scale, generator=generator)
    module.eval()
    return module
