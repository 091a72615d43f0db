"""Products with a linear layer's weights, plain or of another kind, written where they're wanted."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from brandpress.model.network.fp8 import Fp8Linear, Fp8Rows
from brandpress.model.network.lora import LoraLinear

Activations = Tensor | Fp8Rows
"""Rows (T, I) that layers take: dense, or in fp8 where all layers they go to are in fp8."""


def project(layer: nn.Module, x: Activations, space: Tensor) -> Tensor:
    """layer(x) for rows x (T, I); in `space` (T, O) where the layer can write there."""
    if isinstance(x, Fp8Rows):
        return cast(Fp8Linear, layer).multiply(x, space.dtype, space)
    if type(layer) is nn.Linear and layer.bias is None:
        return torch.mm(x, layer.weight.t(), out=space)
    return cast(Tensor, layer(x))


def project_into(layer: nn.Module, x: Activations, out: Tensor) -> None:
    """out = layer(x) for rows x (T, I)."""
    made = project(layer, x, out)
    if made is not out:
        out.copy_(made)


def project_rows(layer: nn.Module, rows: slice, x: Activations, space: Tensor) -> Tensor:
    """Those output features of layer(x) that `rows` of its weight make."""
    if isinstance(x, Fp8Rows):
        return cast(Fp8Linear, narrowed(layer, rows)).multiply(x, space.dtype, space)
    if type(layer) is nn.Linear and layer.bias is None:
        return torch.mm(x, layer.weight[rows].t(), out=space)
    return cast(Tensor, narrowed(layer, rows)(x))


def narrowed(layer: nn.Module, rows: slice) -> nn.Module:
    """A layer of some of another's output features; weights are shared."""
    match layer:
        case LoraLinear():
            return LoraLinear(narrowed(layer.base, rows), layer.down, layer.up[rows])
        case Fp8Linear():
            return layer.narrowed(rows)
        case nn.Linear(bias=None):
            part = nn.Linear(layer.in_features, rows.stop - rows.start, bias=False, device="meta")
            part.weight = nn.Parameter(layer.weight[rows], requires_grad=False)
            return part
    raise TypeError(f"{type(layer).__name__} can't be narrowed")
