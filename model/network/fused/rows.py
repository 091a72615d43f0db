"""Rows of the transformer: RMS norm and RoPE of heads, SwiGLU, gated sums.

Legend: T rows (tokens), D width, I inner width, H heads, K head size, P = K/2 pairs.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from brandpress.model.network import kernels

HEADS, COLUMNS = 16, 1024
"""How many heads, or columns, a program handles."""


@triton.jit
def _norm_and_rope(
    x,
    weight,
    freqs_cis,
    heads,
    heads_per_weight,
    row_stride,
    head_stride,
    freqs_stride,
    eps,
    K: tl.constexpr,
    HEADS: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    column = tl.arange(0, K)
    inside = (head < heads)[:, None]
    places = x + row * row_stride + head[:, None] * head_stride + column[None, :]
    values = tl.load(places, mask=inside, other=0.0).to(tl.float32)
    factor = 1.0 / tl.sqrt(tl.sum(values * values, axis=1) / K + eps)
    weights = tl.load(weight + (head // heads_per_weight)[:, None] * K + column[None, :], mask=inside, other=0.0)
    values = values * factor[:, None] * weights.to(tl.float32)
    cos, sin = tl.split(tl.reshape(tl.load(freqs_cis + row * freqs_stride + column), (K // 2, 2)))
    first, second = tl.split(tl.reshape(values, (HEADS, K // 2, 2)))
    rotated = tl.join(first * cos[None, :] - second * sin[None, :], first * sin[None, :] + second * cos[None, :])
    tl.store(places, tl.reshape(rotated, (HEADS, K)).to(x.dtype.element_ty), mask=inside)


def norm_and_rope(x_THK: Tensor, weight_K: Tensor, freqs_cis_TP: Tensor, eps: float) -> None:
    """Like `kernels.norm_and_rope`, for heads side by side in one group, or two with a weight each."""
    rows, size = x_THK.shape[0], x_THK.shape[-1]
    x = x_THK.flatten(1, -2) if x_THK.ndim > 3 else x_THK
    if size & (size - 1) or x.data_ptr() != x_THK.data_ptr() or not rows:
        return kernels.norm_and_rope(x_THK, weight_K, freqs_cis_TP, eps)
    weights, freqs_cis = weight_K.reshape(-1, size), torch.view_as_real(freqs_cis_TP.reshape(rows, -1))
    heads = x.shape[1]
    grid = (rows, triton.cdiv(heads, HEADS))
    _norm_and_rope[grid](
        x,
        weights,
        freqs_cis,
        heads,
        heads // len(weights),
        x.stride(0),
        x.stride(1),
        freqs_cis.stride(0),
        eps,
        K=size,
        HEADS=HEADS,
    )


@triton.jit
def silu_times(gate, up):
    """silu(gate) * up in float32."""
    wide = gate.to(tl.float32)
    return wide / (1.0 + tl.exp(-wide)) * up.to(tl.float32)


@triton.jit
def _join(mixed, gate, up, out, width, inner, mixed_stride, gate_stride, up_stride, out_stride, COLUMNS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    left, inside = column < width, column < width + inner
    right = inside & (column >= width)
    mixed_values = tl.load(mixed + row * mixed_stride + column, mask=left, other=0.0).to(tl.float32)
    gates = tl.load(gate + row * gate_stride + column - width, mask=right, other=0.0)
    ups = tl.load(up + row * up_stride + column - width, mask=right, other=0.0)
    values = tl.where(left, mixed_values, silu_times(gates, ups))
    tl.store(out + row * out_stride + column, values.to(out.dtype.element_ty), mask=inside)


def join(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, out: Tensor) -> None:
    """out (T, D + I) = mixed and silu(gate) * up, side by side."""
    rows, width, inner = mixed_TD.shape[0], mixed_TD.shape[1], gate_TI.shape[1]
    if rows:
        _join[(rows, triton.cdiv(width + inner, COLUMNS))](
            mixed_TD,
            gate_TI,
            up_TI,
            out,
            width,
            inner,
            mixed_TD.stride(0),
            gate_TI.stride(0),
            up_TI.stride(0),
            out.stride(0),
            COLUMNS=COLUMNS,
        )


def swiglu(gate_TI: Tensor, up_TI: Tensor, out: Tensor) -> None:
    """out = silu(gate) * up."""
    join(gate_TI[:, :0], gate_TI, up_TI, out)


@triton.jit
def _add_gated(x, added, gate, width, x_stride, added_stride, COLUMNS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = column < width
    gates = tl.load(gate + column, mask=inside, other=0.0).to(tl.float32)
    more = tl.load(added + row * added_stride + column, mask=inside, other=0.0).to(tl.float32)
    places = x + row * x_stride + column
    total = tl.load(places, mask=inside, other=0.0).to(tl.float32) + more * gates
    tl.store(places, total.to(x.dtype.element_ty), mask=inside)


def add_gated(x_TD: Tensor, added_TD: Tensor, gate_D: Tensor) -> None:
    """x += added * gate."""
    if x_TD.dtype == torch.float16 or not x_TD.shape[0]:
        return kernels.add_gated(x_TD, added_TD, gate_D)
    rows, width = x_TD.shape
    grid = (rows, triton.cdiv(width, COLUMNS))
    _add_gated[grid](x_TD, added_TD, gate_D, width, x_TD.stride(0), added_TD.stride(0), COLUMNS=COLUMNS)
