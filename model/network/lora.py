"""LoRA: low-rank updates of linear layers.

A plain layer's weight absorbs them. A quantised layer keeps them separate, because its rounding steps are larger than
most updates. Source: Hu et al. 2021, "LoRA", arXiv 2106.09685, equation 3.

Legend: I input features, O output features, r rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True, eq=False)
class LoraUpdate:
    """The update of the weight (O, I) of the linear layer `module`: scale * up (O, r) @ down (r, I)."""

    module: str
    down: Tensor
    up: Tensor
    scale: float = 1.0


Scaled = list[tuple[LoraUpdate, float]]
"""Updates, and the factor of each: its scale times its strength."""


class LoraLinear(nn.Module):
    """base(x) + x down^T up^T, computed in the dtype of x: (..., I) -> (..., O)."""

    def __init__(self, base: nn.Module, down_rI: Tensor, up_Or: Tensor) -> None:
        super().__init__()
        self.base = base
        self.in_features, self.out_features = down_rI.shape[1], up_Or.shape[0]
        self.down = nn.Parameter(down_rI, requires_grad=False)
        self.up = nn.Parameter(up_Or, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.base(x)
        return out + F.linear(F.linear(x, self.down.to(x.dtype)), self.up.to(x.dtype))


@torch.no_grad()
def apply_loras(transformer: nn.Module, updates: Iterable[tuple[LoraUpdate, float]]) -> None:
    """Apply (update, strength) pairs in place. All updates of a layer are summed before it is rounded."""
    by_module: dict[str, Scaled] = {}
    for update, strength in updates:
        by_module.setdefault(update.module, []).append((update, strength * update.scale))
    dtype = compute_dtype(transformer)
    for name, scaled in by_module.items():
        layer = transformer.get_submodule(name)
        if isinstance(layer, nn.Linear):
            layer.weight = nn.Parameter(merge(layer.weight, scaled), requires_grad=layer.weight.requires_grad)
        else:
            transformer.set_submodule(name, attach(layer, scaled, dtype))


def merge(weight_OI: Tensor, scaled: Scaled) -> Tensor:
    """Returns the weight plus the updates: summed in float32 on its device, rounded once to its dtype."""
    total = weight_OI.to(torch.float32, copy=True)
    for update, scale in scaled:
        total.addmm_(update.up.to(total), update.down.to(total), alpha=scale)
    return total.to(weight_OI.dtype)


def attach(layer: nn.Module, scaled: Scaled, dtype: torch.dtype) -> LoraLinear:
    """Returns the layer with the updates attached, concatenated along the rank with those it already has."""
    base: nn.Module = layer
    downs: list[Tensor] = []
    ups: list[Tensor] = []
    if isinstance(layer, LoraLinear):
        base, downs, ups = layer.base, [layer.down], [layer.up]
    device = next(tensor.device for tensors in (base.parameters(), base.buffers()) for tensor in tensors)
    for update, scale in scaled:
        downs.append(update.down.to(device, dtype))
        ups.append((update.up.to(device, torch.float32) * scale).to(dtype))
    return LoraLinear(base, torch.cat(downs), torch.cat(ups, dim=1))


def compute_dtype(transformer: nn.Module) -> torch.dtype:
    """The dtype of the norms, which are never quantised; float32 without norms."""
    norms = (module for module in transformer.modules() if isinstance(module, nn.RMSNorm))
    return next((norm.weight.dtype for norm in norms if norm.weight is not None), torch.float32)
