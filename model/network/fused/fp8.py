"""Rows of the transformer on their way into fp8, each with a scale of its own.

Legend: T rows (tokens), D width, I inner width.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from brandpress.model.network.fp8 import LARGEST, SMALLEST_SCALE, Fp8Rows
from brandpress.model.network.fused.rows import silu_times

CHUNK = 2048
"""So many columns are read at a time where a row is too long for the registers."""


@triton.jit
def _scale_of(largest, static, LARGEST: tl.constexpr, SMALLEST: tl.constexpr, STATIC: tl.constexpr):
    if STATIC:
        return tl.load(static).to(tl.float32)
    else:
        return tl.maximum(largest / LARGEST, SMALLEST, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def _largest(sizes):
    """NaN where a row has one, which makes its whole product NaN as eager's is. Not all of Triton's `max` see to it."""
    broken = tl.sum((sizes != sizes).to(tl.float32), axis=0) > 0
    return tl.where(broken, float("nan"), tl.max(sizes, axis=0))


@triton.jit
def _in_fp8(values, scale, LARGEST: tl.constexpr):
    least = tl.maximum(values / scale, -LARGEST, propagate_nan=tl.PropagateNan.ALL)
    return tl.minimum(least, LARGEST, propagate_nan=tl.PropagateNan.ALL).to(tl.float8e4nv)


@triton.jit
def _modulate_rows(
    x,
    scale,
    shift,
    static,
    out,
    out_scale,
    width,
    x_stride,
    eps,
    WIDTH: tl.constexpr,
    LARGEST: tl.constexpr,
    SMALLEST: tl.constexpr,
    STATIC: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, WIDTH)
    inside = column < width
    values = tl.load(x + row * x_stride + column, mask=inside, other=0.0).to(tl.float32)
    centred = tl.where(inside, values - tl.sum(values, axis=0) / width, 0.0)
    normed = centred / tl.sqrt(tl.sum(centred * centred, axis=0) / width + eps)
    scales = tl.load(scale + column, mask=inside, other=0.0).to(tl.float32)
    made = normed * scales + tl.load(shift + column, mask=inside, other=0.0).to(tl.float32)
    of_row = _scale_of(_largest(tl.abs(made)), static, LARGEST, SMALLEST, STATIC)
    tl.store(out + row * width + column, _in_fp8(made, of_row, LARGEST), mask=inside)
    tl.store(out_scale + row, of_row)


def modulate_rows(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float, static: Tensor | None) -> Fp8Rows:
    """As `kernels.modulate_rows`."""
    rows, width = x_TD.shape
    made = _empty_rows(rows, width, x_TD)
    if rows:
        _modulate_rows[(rows,)](
            x_TD,
            scale_D,
            shift_D,
            static,
            *made,
            width,
            x_TD.stride(0),
            eps,
            WIDTH=triton.next_power_of_2(width),
            num_warps=8,
            **_fp8_options(static),
        )
    return made


@triton.jit
def _join_rows(
    mixed,
    gate,
    up,
    static,
    out,
    out_scale,
    width,
    inner,
    mixed_stride,
    gate_stride,
    up_stride,
    CHUNK: tl.constexpr,
    LARGEST: tl.constexpr,
    SMALLEST: tl.constexpr,
    STATIC: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    chunk = tl.arange(0, CHUNK)
    mixed, gate, up = mixed + row * mixed_stride, gate + row * gate_stride, up + row * up_stride
    out = out + row * (width + inner)
    most = tl.zeros((CHUNK,), dtype=tl.float32)
    if not STATIC:
        for start in range(0, width, CHUNK):
            column = start + chunk
            sizes = tl.abs(tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32))
            most = tl.maximum(most, sizes, propagate_nan=tl.PropagateNan.ALL)
        for start in range(0, inner, CHUNK):
            column = start + chunk
            gates = tl.load(gate + column, mask=column < inner, other=0.0)
            ups = tl.load(up + column, mask=column < inner, other=0.0)
            most = tl.maximum(most, tl.abs(silu_times(gates, ups)), propagate_nan=tl.PropagateNan.ALL)
    of_row = _scale_of(_largest(most), static, LARGEST, SMALLEST, STATIC)
    tl.store(out_scale + row, of_row)
    for start in range(0, width, CHUNK):
        column = start + chunk
        values = tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32)
        tl.store(out + column, _in_fp8(values, of_row, LARGEST), mask=column < width)
    for start in range(0, inner, CHUNK):
        column = start + chunk
        gates = tl.load(gate + column, mask=column < inner, other=0.0)
        ups = tl.load(up + column, mask=column < inner, other=0.0)
        tl.store(out + width + column, _in_fp8(silu_times(gates, ups), of_row, LARGEST), mask=column < inner)


def join_rows(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, static: Tensor | None) -> Fp8Rows:
    """As `kernels.join_rows`. The second read of a row finds it in the cache."""
    rows, width, inner = mixed_TD.shape[0], mixed_TD.shape[1], gate_TI.shape[1]
    made = _empty_rows(rows, width + inner, mixed_TD)
    if rows:
        _join_rows[(rows,)](
            mixed_TD,
            gate_TI,
            up_TI,
            static,
            *made,
            width,
            inner,
            mixed_TD.stride(0),
            gate_TI.stride(0),
            up_TI.stride(0),
            CHUNK=CHUNK,
            num_warps=8,
            **_fp8_options(static),
        )
    return made


def swiglu_rows(gate_TI: Tensor, up_TI: Tensor, static: Tensor | None) -> Fp8Rows:
    """As `kernels.swiglu_rows`."""
    return join_rows(gate_TI[:, :0], gate_TI, up_TI, static)


def quantise_rows(x_TI: Tensor, static: Tensor | None = None) -> Fp8Rows:
    """As `quantised.quantise_rows`."""
    return join_rows(x_TI, x_TI[:, :0], x_TI[:, :0], static)


def _empty_rows(rows: int, width: int, like: Tensor) -> Fp8Rows:
    values = torch.empty((rows, width), dtype=torch.float8_e4m3fn, device=like.device)
    return Fp8Rows(values, torch.empty((rows, 1), dtype=torch.float32, device=like.device))


def _fp8_options(static: Tensor | None) -> dict[str, Any]:
    return {"LARGEST": LARGEST, "SMALLEST": SMALLEST_SCALE, "STATIC": static is not None}
