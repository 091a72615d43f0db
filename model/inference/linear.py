"""Applies linear layers (dense, fp8, with a LoRA) and writes the results into preallocated memory.

Legend: T rows, I input features, O output features.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from brandpress.model.network.fp8 import Fp8Linear, Fp8Rows
from brandpress.model.network.lora import LoraLinear

Activations = Tensor | Fp8Rows
"""A layer's input (T, I): dense, or in fp8 if all layers that read it are in fp8."""


def project(layer: nn.Module, x: Activations, space_TO: Tensor) -> Tensor:
    """Returns layer(x) (T, O) for x (T, I), in `space_TO` if the layer can write there."""
    if isinstance(x, Fp8Rows):
        return cast(Fp8Linear, layer).multiply(x, space_TO.dtype, space_TO)
    if type(layer) is nn.Linear and layer.bias is None:
        return torch.mm(x, layer.weight.t(), out=space_TO)
    return cast(Tensor, layer(x))


def project_into(layer: nn.Module, x: Activations, out_TO: Tensor) -> None:
    """Writes layer(x) for x (T, I) into `out_TO`."""
    product_TO = project(layer, x, out_TO)
    if product_TO is not out_TO:
        out_TO.copy_(product_TO)


def project_rows(layer: nn.Module, rows: slice, x: Activations, space: Tensor) -> Tensor:
    """Returns the output features of layer(x) that belong to `rows` of its weight; in `space` if it can write there."""
    if isinstance(x, Fp8Rows):
        return cast(Fp8Linear, narrowed(layer, rows)).multiply(x, space.dtype, space)
    if type(layer) is nn.Linear and layer.bias is None:
        return torch.mm(x, layer.weight[rows].t(), out=space)
    return cast(Tensor, narrowed(layer, rows)(x))


def narrowed(layer: nn.Module, rows: slice) -> nn.Module:
    """Returns a layer with the output features `rows` of another one. They share their weights. Raises TypeError."""
    match layer:
        case LoraLinear():
            return LoraLinear(narrowed(layer.base, rows), layer.down, layer.up[rows])
        case Fp8Linear():
            return layer.narrowed(rows)
        case nn.Linear(bias=None):
            part = nn.Linear(layer.in_features, rows.stop - rows.start, bias=False, device="meta")
            part.weight = nn.Parameter(layer.weight[rows], requires_grad=False)
            return part
    raise TypeError(f"can't narrow a layer of type {type(layer).__name__}")
