"""Quantisation of the transformer's rows to fp8, each with its own scale.

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
"""How many columns are read at a time if a row is too long for the registers."""


@triton.jit
def _scale_of(largest, static, LARGEST: tl.constexpr, SMALLEST: tl.constexpr, STATIC: tl.constexpr):
    if STATIC:
        return tl.load(static).to(tl.float32)
    else:
        return tl.maximum(largest / LARGEST, SMALLEST, propagate_nan=tl.PropagateNan.ALL)


@triton.jit
def _largest(sizes):
    """The largest value, NaN if any is: the row's product is then NaN as in eager mode. Triton's `max` may drop NaN."""
    has_nan = tl.sum((sizes != sizes).to(tl.float32), axis=0) > 0
    return tl.where(has_nan, float("nan"), tl.max(sizes, axis=0))


@triton.jit
def _in_fp8(values, scale, LARGEST: tl.constexpr):
    clipped = tl.maximum(values / scale, -LARGEST, propagate_nan=tl.PropagateNan.ALL)
    return tl.minimum(clipped, LARGEST, propagate_nan=tl.PropagateNan.ALL).to(tl.float8e4nv)


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
    modulated = normed * scales + tl.load(shift + column, mask=inside, other=0.0).to(tl.float32)
    row_scale = _scale_of(_largest(tl.abs(modulated)), static, LARGEST, SMALLEST, STATIC)
    tl.store(out + row * width + column, _in_fp8(modulated, row_scale, LARGEST), mask=inside)
    tl.store(out_scale + row, row_scale)


def modulate_rows(x_TD: Tensor, scale_D: Tensor, shift_D: Tensor, eps: float, static_scale: Tensor | None) -> Fp8Rows:
    """Like `kernels.modulate_rows`."""
    rows, width = x_TD.shape
    quantised = _empty_rows(rows, width, x_TD)
    if rows:
        _modulate_rows[(rows,)](
            x_TD,
            scale_D,
            shift_D,
            static_scale,
            *quantised,
            width,
            x_TD.stride(0),
            eps,
            WIDTH=triton.next_power_of_2(width),
            num_warps=8,
            **_fp8_options(static_scale),
        )
    return quantised


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
    largest = tl.zeros((CHUNK,), dtype=tl.float32)
    if not STATIC:
        for start in range(0, width, CHUNK):
            column = start + chunk
            sizes = tl.abs(tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32))
            largest = tl.maximum(largest, sizes, propagate_nan=tl.PropagateNan.ALL)
        for start in range(0, inner, CHUNK):
            column = start + chunk
            gates = tl.load(gate + column, mask=column < inner, other=0.0)
            ups = tl.load(up + column, mask=column < inner, other=0.0)
            largest = tl.maximum(largest, tl.abs(silu_times(gates, ups)), propagate_nan=tl.PropagateNan.ALL)
    row_scale = _scale_of(_largest(largest), static, LARGEST, SMALLEST, STATIC)
    tl.store(out_scale + row, row_scale)
    for start in range(0, width, CHUNK):
        column = start + chunk
        values = tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32)
        tl.store(out + column, _in_fp8(values, row_scale, LARGEST), mask=column < width)
    for start in range(0, inner, CHUNK):
        column = start + chunk
        gates = tl.load(gate + column, mask=column < inner, other=0.0)
        ups = tl.load(up + column, mask=column < inner, other=0.0)
        tl.store(out + width + column, _in_fp8(silu_times(gates, ups), row_scale, LARGEST), mask=column < inner)


def join_rows(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, static_scale: Tensor | None) -> Fp8Rows:
    """Like `kernels.join_rows`. Reads each row twice; the second read hits the cache."""
    rows, width, inner = mixed_TD.shape[0], mixed_TD.shape[1], gate_TI.shape[1]
    quantised = _empty_rows(rows, width + inner, mixed_TD)
    if rows:
        _join_rows[(rows,)](
            mixed_TD,
            gate_TI,
            up_TI,
            static_scale,
            *quantised,
            width,
            inner,
            mixed_TD.stride(0),
            gate_TI.stride(0),
            up_TI.stride(0),
            CHUNK=CHUNK,
            num_warps=8,
            **_fp8_options(static_scale),
        )
    return quantised


def swiglu_rows(gate_TI: Tensor, up_TI: Tensor, static_scale: Tensor | None) -> Fp8Rows:
    """Like `kernels.swiglu_rows`."""
    return join_rows(gate_TI[:, :0], gate_TI, up_TI, static_scale)


def quantise_rows(x_TI: Tensor, static_scale: Tensor | None = None) -> Fp8Rows:
    """Like `network.fp8.quantise_rows`."""
    return join_rows(x_TI, x_TI[:, :0], x_TI[:, :0], static_scale)


def _empty_rows(rows: int, width: int, like: Tensor) -> Fp8Rows:
    values = torch.empty((rows, width), dtype=torch.float8_e4m3fn, device=like.device)
    return Fp8Rows(values, torch.empty((rows, 1), dtype=torch.float32, device=like.device))


def _fp8_options(static_scale: Tensor | None) -> dict[str, Any]:
    return {"LARGEST": LARGEST, "SMALLEST": SMALLEST_SCALE, "STATIC": static_scale is not None}
