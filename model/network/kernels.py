"""Elementwise work between matrix products, attention and convolutions, in as few passes over memory as torch allows.

For rendering only: these functions work in place, which autograd can't follow. `compiled_kernels` has the same
functions, each fused into one pass by torch.compile; `fused` has them in Triton; `kernel_choice` picks one.

Legend: T rows (tokens), D width, I inner width, H heads, K head size, P = K/2 pairs; B pictures, C channels, X Y rows
and columns of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.network.fp8 import Fp8Rows, quantise_rows

FLOAT16_MAX = 65504.0


def modulate(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float) -> Tensor:
    """Returns the layer norm of each row, times `scale` (which includes the 1 of `1 + scale`), plus `shift`."""
    return F.layer_norm(x_TD, (x_TD.shape[-1],), scale_D, shift_D, eps)


def norm_and_rope(x_THK: Tensor, weight_K: Tensor, freqs_cis_TP: Tensor, eps: float) -> None:
    """Apply to each head its RMS norm, times `weight`, then RoPE. Works in place, computes in float32.

    weight_K broadcasts to (T, H, K). freqs_cis: complex64, one factor per pair of neighbours, broadcasts to (T, H, P).
    """
    x = x_THK if x_THK.dtype == torch.float32 else x_THK.float()
    vector_norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    factor = vector_norm.square_().mul_(1 / x.shape[-1]).add_(eps).rsqrt_()
    x.mul_(weight_K)
    torch.view_as_complex(torch.unflatten(x, -1, (-1, 2))).mul_(freqs_cis_TP)
    x.mul_(factor)
    if x is not x_THK:
        x_THK.copy_(x)


def swiglu(gate_TI: Tensor, up_TI: Tensor, out_TI: Tensor) -> None:
    """out = silu(gate) * up. Overwrites `gate`."""
    torch.mul(F.silu(gate_TI, inplace=True), up_TI, out=out_TI)


def join(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, out: Tensor) -> None:
    """out (T, D + I) = mixed and silu(gate) * up, side by side. Overwrites `gate`."""
    width = mixed_TD.shape[1]
    out[:, :width] = mixed_TD
    swiglu(gate_TI, up_TI, out[:, width:])


def add_gated(x_TD: Tensor, added_TD: Tensor, gate_D: Tensor) -> None:
    """x += added * gate. Clips to float16's range if x is float16, as diffusers does."""
    x_TD.addcmul_(added_TD, gate_D)
    if x_TD.dtype == torch.float16:
        x_TD.clip_(-FLOAT16_MAX, FLOAT16_MAX)


def modulate_rows(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float, static_scale: Tensor | None) -> Fp8Rows:
    """`modulate`, quantised to fp8. static_scale: one scale for all rows, if the checkpoint has it."""
    return quantise_rows(modulate(x_TD, scale_D, shift_D, eps), static_scale)


def swiglu_rows(gate_TI: Tensor, up_TI: Tensor, static_scale: Tensor | None) -> Fp8Rows:
    """silu(gate) * up, quantised to fp8."""
    return quantise_rows(F.silu(gate_TI) * up_TI, static_scale)


def join_rows(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, static_scale: Tensor | None) -> Fp8Rows:
    """mixed and silu(gate) * up side by side (T, D + I), quantised to fp8."""
    return quantise_rows(torch.cat((mixed_TD, F.silu(gate_TI) * up_TI), dim=1), static_scale)


def norm_silu(x_BCXY: Tensor, groups: int, weight_C: Tensor, bias_C: Tensor, eps: float) -> Tensor:
    """silu(group norm), (B, C, X, Y) in the memory format of x."""
    normed = F.group_norm(x_BCXY, groups, weight_C, bias_C, eps)
    return F.silu(normed, inplace=not torch.is_grad_enabled())


def softmax(scores: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """The softmax of scores * scale over the last dimension, in `dtype`. Overwrites the scores."""
    return scores.mul_(scale).softmax(dim=-1).to(dtype)


@dataclass(frozen=True)
class Kernels:
    """The functions above, or others with the same results. name: as records show it. channels_last: the memory format
    that `norm_silu` expects."""

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
