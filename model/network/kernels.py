"""What happens between products, attention and convolutions, in as few passes over memory as torch allows.

For rendering only: they work in place, which autograd can't follow. `compiled` gives the same with each fused into one
pass by torch.compile.

Legend: T rows (tokens), D width, I inner width, E heads, K head size, H half of it; B pictures, C channels, G groups of
them, X Y rows and columns of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.network.fp8 import Fp8Rows, quantise_rows

HALF_RANGE = 65504.0


def modulate(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float) -> Tensor:
    """The layer norm of rows, times `scale` (which holds the 1 that is added to it), plus `shift`."""
    return F.layer_norm(x_TD, (x_TD.shape[-1],), scale_D, shift_D, eps)


def norm_and_rope(x_TEK: Tensor, weight_K: Tensor, freqs_cis_TH: Tensor, eps: float) -> None:
    """Apply the RMS norm of each head, times `weight`, then RoPE, in place; computed in float32.

    weight_K broadcasts to (T, E, K). freqs_cis: complex64, one factor per pair of neighbours, broadcasts to (T, E, H).
    """
    x = x_TEK if x_TEK.dtype == torch.float32 else x_TEK.float()
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    factor = length.square_().mul_(1 / x.shape[-1]).add_(eps).rsqrt_()
    x.mul_(weight_K)
    torch.view_as_complex(torch.unflatten(x, -1, (-1, 2))).mul_(freqs_cis_TH)
    x.mul_(factor)
    if x is not x_TEK:
        x_TEK.copy_(x)


def swiglu(gate: Tensor, up: Tensor, out: Tensor) -> None:
    """out = silu(gate) * up; `gate` is lost."""
    torch.mul(F.silu(gate, inplace=True), up, out=out)


def join(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, out: Tensor) -> None:
    """out = mixed and silu(gate) * up side by side; `gate` is lost."""
    width = mixed_TD.shape[1]
    out[:, :width] = mixed_TD
    swiglu(gate_TI, up_TI, out[:, width:])


def add_gated(x_TD: Tensor, added_TD: Tensor, gate_D: Tensor) -> None:
    """x += added * gate, kept within float16's range where that is x's dtype, as diffusers keeps it."""
    x_TD.addcmul_(added_TD, gate_D)
    if x_TD.dtype == torch.float16:
        x_TD.clip_(-HALF_RANGE, HALF_RANGE)


def modulate_rows(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float, static: Tensor | None) -> Fp8Rows:
    """`modulate` in fp8. static: the one scale of all rows, where a file gives it."""
    return quantise_rows(modulate(x_TD, scale_D, shift_D, eps), static)


def swiglu_rows(gate_TI: Tensor, up_TI: Tensor, static: Tensor | None) -> Fp8Rows:
    """silu(gate) * up in fp8."""
    return quantise_rows(F.silu(gate_TI) * up_TI, static)


def join_rows(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, static: Tensor | None) -> Fp8Rows:
    """mixed and silu(gate) * up side by side (T, D + I), in fp8."""
    return quantise_rows(torch.cat((mixed_TD, F.silu(gate_TI) * up_TI), dim=1), static)


def norm_silu(x_BCXY: Tensor, groups: int, weight_C: Tensor, bias_C: Tensor, eps: float) -> Tensor:
    """silu(group norm), in the memory format of x."""
    normed = F.group_norm(x_BCXY, groups, weight_C, bias_C, eps)
    return F.silu(normed, inplace=not torch.is_grad_enabled())


def softmax(scores: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """The softmax of scores * scale over the last dimension, in `dtype`; float32 scores are overwritten."""
    return scores.mul_(scale).softmax(dim=-1).to(dtype)


@dataclass(frozen=True)
class Kernels:
    """The functions above, or others that do the same. name: what a record calls them. channels_last: a picture's
    channels lie together for `norm_silu`."""

    name: str = "eager"
    channels_last: bool = False

    modulate: Callable[[Tensor, Tensor, Tensor, float], Tensor] = modulate
    norm_and_rope: Callable[[Tensor, Tensor, Tensor, float], None] = norm_and_rope
    swiglu: Callable[[Tensor, Tensor, Tensor], None] = swiglu
    join: Callable[[Tensor, Tensor, Tensor, Tensor], None] = join
    add_gated: Callable[[Tensor, Tensor, Tensor], None] = add_gated
    quantise_rows: Callable[[Tensor, Tensor | None], Fp8Rows] = quantise_rows
    modulate_rows: Callable[[Tensor, Tensor, Tensor, float, Tensor | None], Fp8Rows] = modulate_rows
    swiglu_rows: Callable[[Tensor, Tensor, Tensor | None], Fp8Rows] = swiglu_rows
    join_rows: Callable[[Tensor, Tensor, Tensor, Tensor | None], Fp8Rows] = join_rows
    norm_silu: Callable[[Tensor, int, Tensor, Tensor, float], Tensor] = norm_silu
    softmax: Callable[[Tensor, float, torch.dtype], Tensor] = softmax


EAGER = Kernels()


def chosen(device: torch.device, compile: bool | None = None) -> Kernels:
    """What a device computes with: our Triton kernels on a GPU, torch's own functions on a CPU. compile: True asks for
    torch.compile on a CPU; False for torch's own functions everywhere. Where no compiler is found, it's these, too."""
    if compile is False or (compile is None and device.type != "cuda"):
        return EAGER
    if device.type == "cuda":
        return triton_kernels(device) or EAGER
    return compiled() if compiler_found(device) else EAGER


@cache
def triton_kernels(device: torch.device) -> Kernels | None:
    """The kernels in Triton, tried on a device: they need Triton and a C compiler. None where they can't be had."""
    try:
        from brandpress.model.network.fused import FUSED

        x = torch.zeros(1, 8, device=device)
        with torch.cuda.device(device):
            FUSED.add_gated(x, x, x[0])
    except Exception:  # neither Triton nor torch names a common class of what may go wrong
        return None
    return FUSED


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
    rope = fuse(_norm_and_rope)

    def norm_and_rope(x: Tensor, weight: Tensor, factors: Tensor, eps: float) -> None:
        rope(x, weight, torch.view_as_real(factors), eps)

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


def _norm_and_rope(x: Tensor, weight: Tensor, factors: Tensor, eps: float) -> None:
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
