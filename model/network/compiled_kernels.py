"""The functions of `kernels`, each fused into one pass by torch.compile."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.network.fp8 import quantise_rows
from brandpress.model.network.kernels import FLOAT16_MAX, Kernels, join_rows, modulate_rows, swiglu_rows


def compiler_works(device: torch.device) -> bool:
    """Whether torch.compile works, by trying it. It needs a C++ compiler with Python's headers, and Triton on a GPU."""
    try:
        torch.compile(_probe, dynamic=True)(torch.zeros(8, device=device))
    except Exception:  # torch has no common class for these errors
        return False
    return True


def _probe(x: Tensor) -> Tensor:
    return F.silu(x) * x


@cache
def compiled_kernels() -> Kernels:
    """Returns the kernels under torch.compile. Each compiles on its first call; new shapes don't compile again."""
    fuse: Any = torch.compile(dynamic=True)
    fused_norm_and_rope = fuse(_norm_and_rope)

    def norm_and_rope(x: Tensor, weight: Tensor, freqs_cis: Tensor, eps: float) -> None:
        fused_norm_and_rope(x, weight, torch.view_as_real(freqs_cis), eps)

    fused_swiglu = fuse(_swiglu)

    def join(mixed: Tensor, gate: Tensor, up: Tensor, out: Tensor) -> None:
        width = mixed.shape[1]
        out[:, :width] = mixed
        fused_swiglu(gate, up, out[:, width:])

    return Kernels(
        name="torch.compile",
        norm_and_rope=norm_and_rope,
        swiglu=fused_swiglu,
        join=join,
        add_gated=fuse(_add_gated),
        quantise_rows=fuse(quantise_rows),
        modulate_rows=fuse(modulate_rows),
        swiglu_rows=fuse(swiglu_rows),
        join_rows=fuse(join_rows),
        norm_silu=fuse(_norm_silu),
        softmax=fuse(_softmax),
    )


def _norm_and_rope(x: Tensor, weight: Tensor, cos_sin: Tensor, eps: float) -> None:
    wide = x.float()
    wide = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + eps) * weight
    a, b = torch.unflatten(wide, -1, (-1, 2)).unbind(-1)
    cos, sin = cos_sin.unbind(-1)
    x.copy_(torch.stack((a * cos - b * sin, a * sin + b * cos), dim=-1).flatten(-2))


def _swiglu(gate: Tensor, up: Tensor, out: Tensor) -> None:
    out.copy_(F.silu(gate) * up)


def _add_gated(x: Tensor, added: Tensor, gate: Tensor) -> None:
    x.add_(added * gate)
    if x.dtype == torch.float16:
        x.clamp_(-FLOAT16_MAX, FLOAT16_MAX)


def _norm_silu(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    batch, channels, height, width = x.shape
    last = x.is_contiguous(memory_format=torch.channels_last)
    rows = x.permute(0, 2, 3, 1).reshape(batch, height * width, groups, -1) if last else x.reshape(batch, groups, -1)
    wide = rows.float()
    var, mean = torch.var_mean(wide, dim=(1, 3) if last else 2, correction=0, keepdim=True)
    normed = (wide - mean) * torch.rsqrt(var + eps)
    if last:
        out = F.silu(normed.reshape(batch, height, width, channels) * weight.float() + bias.float()).to(x.dtype)
        return out.permute(0, 3, 1, 2)
    scaled = normed.reshape(x.shape) * weight.float()[:, None, None] + bias.float()[:, None, None]
    return F.silu(scaled).to(x.dtype)


def _softmax(scores: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    return (scores * scale).softmax(dim=-1).to(dtype)
