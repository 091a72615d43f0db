"""What the transformer's blocks do between products and attention, in as few passes over memory as torch allows.

For rendering only: they work in place, which autograd can't follow. `compiled` gives the same with each fused into one
pass by torch.compile.

Legend: T rows (tokens), D width, E heads, K head size, H half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

HALF_RANGE = 65504.0


def modulate(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float) -> Tensor:
    """The layer norm of rows, times `scale` (which holds the 1 that is added to it), plus `shift`."""
    return F.layer_norm(x_TD, (x_TD.shape[-1],), scale_D, shift_D, eps)


def norm_and_turn(x_TEK: Tensor, weight_K: Tensor, turn_TH: Tensor, eps: float) -> None:
    """In place: the RMS norm of each head, times `weight`, its pairs of neighbours turned by their position's angle.

    weight_K broadcasts to (T, E, K). turn: complex64, one factor a pair, broadcasts to (T, E, H). In float32 inside.
    """
    x = x_TEK if x_TEK.dtype == torch.float32 else x_TEK.float()
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    factor = length.square_().mul_(1 / x.shape[-1]).add_(eps).rsqrt_()
    x.mul_(weight_K)
    torch.view_as_complex(torch.unflatten(x, -1, (-1, 2))).mul_(turn_TH)
    x.mul_(factor)
    if x is not x_TEK:
        x_TEK.copy_(x)


def swiglu(gate: Tensor, up: Tensor, out: Tensor) -> None:
    """out = silu(gate) * up; `gate` is lost."""
    torch.mul(F.silu(gate, inplace=True), up, out=out)


def add_gated(x_TD: Tensor, added_TD: Tensor, gate_D: Tensor) -> None:
    """x += added * gate, kept within float16's range where that is x's dtype, as diffusers keeps it."""
    x_TD.addcmul_(added_TD, gate_D)
    if x_TD.dtype == torch.float16:
        x_TD.clip_(-HALF_RANGE, HALF_RANGE)


@dataclass(frozen=True)
class Kernels:
    """The functions above, or others that do the same."""

    modulate: Callable[[Tensor, Tensor, Tensor, float], Tensor] = modulate
    norm_and_turn: Callable[[Tensor, Tensor, Tensor, float], None] = norm_and_turn
    swiglu: Callable[[Tensor, Tensor, Tensor], None] = swiglu
    add_gated: Callable[[Tensor, Tensor, Tensor], None] = add_gated


EAGER = Kernels()


def compiler_found(device: torch.device) -> bool:
    """Whether torch.compile works here, tried: it needs a C++ compiler with Python's headers, and Triton on a GPU."""
    try:
        torch.compile(_probe, dynamic=True)(torch.zeros(8, device=device))
    except Exception:  # torch names no common class of what may go wrong
        return False
    return True


def _probe(x: Tensor) -> Tensor:
    return F.silu(x) * x


@cache
def compiled() -> Kernels:
    """The kernels, each compiled when it's first called; shapes may change without compiling again."""
    fuse: Any = torch.compile(dynamic=True)
    turn = fuse(_norm_and_turn)

    def norm_and_turn(x: Tensor, weight: Tensor, factors: Tensor, eps: float) -> None:
        turn(x, weight, torch.view_as_real(factors), eps)

    return Kernels(modulate, norm_and_turn, fuse(_swiglu), fuse(_add_gated))


def _norm_and_turn(x: Tensor, weight: Tensor, factors: Tensor, eps: float) -> None:
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + eps) * weight
    a, b = torch.unflatten(wide, -1, (-1, 2)).unbind(-1)
    cos, sin = factors.unbind(-1)
    x.copy_(torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2))


def _swiglu(gate: Tensor, up: Tensor, out: Tensor) -> None:
    out.copy_(F.silu(gate) * up)


def _add_gated(x: Tensor, added: Tensor, gate: Tensor) -> None:
    x.add_(added * gate)
    if x.dtype == torch.float16:
        x.clamp_(-HALF_RANGE, HALF_RANGE)
