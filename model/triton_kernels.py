"""The elementwise work of `model.kernels` as Triton kernels: one pass over memory each, on NVIDIA GPUs.

What torch.compile makes of these functions was measured on an H200 first: the norm with its rotation in three kernels,
fp8 quantisation with a second read of everything, group norms with divisions for every index; together about a sixth of
a step and half of a decoding (docs/gpu.md). Importing this module needs Triton.

Legend: T rows (tokens), D width, I inner width, E heads, K head size; B pictures, C channels, G groups, P pixels.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from model import kernels
from model.quantised import LARGEST, SMALLEST_SCALE, Fp8Rows

HEADS = 16
COLUMNS = 1024
CHUNK = 2048
PIXELS = 32
PROGRAMS = 1024
"""Sizes of blocks, and how many programs share the pixels of a picture."""


@triton.jit
def _norm_and_turn(
    x, weight, turn, heads, heads_a_weight, row_stride, head_stride, turn_stride, eps, K: tl.constexpr, HEADS: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)
    column = tl.arange(0, K)
    inside = (head < heads)[:, None]
    places = x + row * row_stride + head[:, None] * head_stride + column[None, :]
    values = tl.load(places, mask=inside, other=0.0).to(tl.float32)
    factor = 1.0 / tl.sqrt(tl.sum(values * values, axis=1) / K + eps)
    weights = tl.load(weight + (head // heads_a_weight)[:, None] * K + column[None, :], mask=inside, other=0.0)
    values = values * factor[:, None] * weights.to(tl.float32)
    cos, sin = tl.split(tl.reshape(tl.load(turn + row * turn_stride + column), (K // 2, 2)))
    first, second = tl.split(tl.reshape(values, (HEADS, K // 2, 2)))
    turned = tl.join(first * cos[None, :] - second * sin[None, :], first * sin[None, :] + second * cos[None, :])
    tl.store(places, tl.reshape(turned, (HEADS, K)).to(x.dtype.element_ty), mask=inside)


def norm_and_turn(x_TEK: Tensor, weight_K: Tensor, turn_TH: Tensor, eps: float) -> None:
    """As `kernels.norm_and_turn`: heads side by side, in one or two groups with a weight each."""
    rows, size = x_TEK.shape[0], x_TEK.shape[-1]
    x = x_TEK.flatten(1, -2) if x_TEK.ndim > 3 else x_TEK
    if size & (size - 1) or x.data_ptr() != x_TEK.data_ptr() or not rows:
        return kernels.norm_and_turn(x_TEK, weight_K, turn_TH, eps)
    weights, turn = weight_K.reshape(-1, size), torch.view_as_real(turn_TH.reshape(rows, -1))
    heads = x.shape[1]
    grid = (rows, triton.cdiv(heads, HEADS))
    _norm_and_turn[grid](
        x,
        weights,
        turn,
        heads,
        heads // len(weights),
        x.stride(0),
        x.stride(1),
        turn.stride(0),
        eps,
        K=size,
        HEADS=HEADS,
    )


@triton.jit
def _silu_times(gate, up):
    wide = gate.to(tl.float32)
    return wide / (1.0 + tl.exp(-wide)) * up.to(tl.float32)


@triton.jit
def _join(mixed, gate, up, out, width, inner, mixed_stride, gate_stride, up_stride, out_stride, COLUMNS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    left, inside = column < width, column < width + inner
    right = inside & (column >= width)
    kept = tl.load(mixed + row * mixed_stride + column, mask=left, other=0.0).to(tl.float32)
    gates = tl.load(gate + row * gate_stride + column - width, mask=right, other=0.0)
    ups = tl.load(up + row * up_stride + column - width, mask=right, other=0.0)
    made = tl.where(left, kept, _silu_times(gates, ups))
    tl.store(out + row * out_stride + column, made.to(out.dtype.element_ty), mask=inside)


def join(mixed_TD: Tensor, gate_TI: Tensor, up_TI: Tensor, out: Tensor) -> None:
    """out = mixed and silu(gate) * up side by side."""
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
    made = tl.load(places, mask=inside, other=0.0).to(tl.float32) + more * gates
    tl.store(places, made.to(x.dtype.element_ty), mask=inside)


def add_gated(x_TD: Tensor, added_TD: Tensor, gate_D: Tensor) -> None:
    """x += added * gate."""
    if x_TD.dtype == torch.float16 or not x_TD.shape[0]:
        return kernels.add_gated(x_TD, added_TD, gate_D)
    rows, width = x_TD.shape
    grid = (rows, triton.cdiv(width, COLUMNS))
    _add_gated[grid](x_TD, added_TD, gate_D, width, x_TD.stride(0), added_TD.stride(0), COLUMNS=COLUMNS)


@triton.jit
def _scale_of(largest, static, LARGEST: tl.constexpr, SMALLEST: tl.constexpr, STATIC: tl.constexpr):
    if STATIC:
        return tl.load(static).to(tl.float32)
    else:
        return tl.maximum(largest / LARGEST, SMALLEST)


@triton.jit
def _in_fp8(values, scale, LARGEST: tl.constexpr):
    return tl.minimum(tl.maximum(values / scale, -LARGEST), LARGEST).to(tl.float8e4nv)


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
    of_row = _scale_of(tl.max(tl.abs(made), axis=0), static, LARGEST, SMALLEST, STATIC)
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
            most = tl.maximum(most, tl.abs(tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32)))
        for start in range(0, inner, CHUNK):
            column = start + chunk
            gates = tl.load(gate + column, mask=column < inner, other=0.0)
            ups = tl.load(up + column, mask=column < inner, other=0.0)
            most = tl.maximum(most, tl.abs(_silu_times(gates, ups)))
    of_row = _scale_of(tl.max(most, axis=0), static, LARGEST, SMALLEST, STATIC)
    tl.store(out_scale + row, of_row)
    for start in range(0, width, CHUNK):
        column = start + chunk
        values = tl.load(mixed + column, mask=column < width, other=0.0).to(tl.float32)
        tl.store(out + column, _in_fp8(values, of_row, LARGEST), mask=column < width)
    for start in range(0, inner, CHUNK):
        column = start + chunk
        gates = tl.load(gate + column, mask=column < inner, other=0.0)
        ups = tl.load(up + column, mask=column < inner, other=0.0)
        tl.store(out + width + column, _in_fp8(_silu_times(gates, ups), of_row, LARGEST), mask=column < inner)


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


@triton.jit
def _channel_moments(x, means, squares, pixels, channels, tiles, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    """Mean and sum of squared distances from it of each channel, over a program's part of the pixels.

    Tiles are merged as in Chan, Golub and LeVeque (1979): no square of a large mean is ever taken.
    """
    picture, part, parts = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.num_programs(1)
    channel = tl.arange(0, CHANNELS)
    inside = channel < channels
    x = x + picture * pixels * channels
    count = 0.0
    mean = tl.zeros((CHANNELS,), dtype=tl.float32)
    square = tl.zeros((CHANNELS,), dtype=tl.float32)
    for tile in range(part * tiles, (part + 1) * tiles):
        pixel = (tile * PIXELS + tl.arange(0, PIXELS)).to(tl.int64)
        there = (pixel < pixels)[:, None] & inside[None, :]
        values = tl.load(x + pixel[:, None] * channels + channel[None, :], mask=there, other=0.0).to(tl.float32)
        fresh = tl.minimum(tl.maximum(pixels - tile * PIXELS, 0), PIXELS).to(tl.float32)
        if fresh > 0:
            of_tile = tl.sum(values, axis=0) / fresh
            apart = tl.where(there, values - of_tile[None, :], 0.0)
            drift, total = of_tile - mean, count + fresh
            square += tl.sum(apart * apart, axis=0) + drift * drift * (count * fresh / total)
            mean += drift * (fresh / total)
            count = total
    place = (picture * parts + part) * channels + channel
    tl.store(means + place, mean, mask=inside)
    tl.store(squares + place, square, mask=inside)


@triton.jit
def _affine_of_groups(
    means,
    squares,
    weight,
    bias,
    scale,
    shift,
    pixels,
    channels,
    parts,
    tile_pixels,
    eps,
    each: tl.constexpr,
    EACH: tl.constexpr,
    PARTS: tl.constexpr,
):
    """What makes `x * scale + shift` the group norm, a value a channel, from the channels' moments."""
    picture, group = tl.program_id(0).to(tl.int64), tl.program_id(1)
    member = tl.arange(0, EACH)
    inside = member < each
    channel = group * each + member
    part = tl.arange(0, PARTS)
    counts = tl.minimum(tl.maximum(pixels - part * tile_pixels, 0), tile_pixels).to(tl.float32)
    there = (part < parts)[:, None] & inside[None, :]
    places = (picture * parts + part)[:, None] * channels + channel[None, :]
    mean = tl.load(means + places, mask=there, other=0.0)
    square = tl.load(squares + places, mask=there, other=0.0)
    weights = tl.where(there, counts[:, None], 0.0) / (pixels * 1.0 * each)
    of_group = tl.sum(tl.sum(weights * mean, axis=1), axis=0)
    drift = tl.where(there, mean - of_group, 0.0)
    spread = tl.sum(tl.sum(square / (pixels * 1.0 * each) + weights * drift * drift, axis=1), axis=0)
    factor = 1.0 / tl.sqrt(spread + eps)
    gain = tl.load(weight + channel, mask=inside, other=0.0).to(tl.float32) * factor
    offset = tl.load(bias + channel, mask=inside, other=0.0).to(tl.float32) - of_group * gain
    tl.store(scale + picture * channels + channel, gain, mask=inside)
    tl.store(shift + picture * channels + channel, offset, mask=inside)


@triton.jit
def _affine_silu(x, scale, shift, out, pixels, channels, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    picture = tl.program_id(0).to(tl.int64)
    pixel = tl.program_id(1).to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.arange(0, CHANNELS)
    inside = channel < channels
    there = (pixel < pixels)[:, None] & inside[None, :]
    places = picture * pixels * channels + pixel[:, None] * channels + channel[None, :]
    gain = tl.load(scale + picture * channels + channel, mask=inside, other=0.0)
    offset = tl.load(shift + picture * channels + channel, mask=inside, other=0.0)
    made = tl.load(x + places, mask=there, other=0.0).to(tl.float32) * gain[None, :] + offset[None, :]
    tl.store(out + places, (made / (1.0 + tl.exp(-made))).to(out.dtype.element_ty), mask=there)


def norm_silu(x_BCXY: Tensor, groups: int, weight_C: Tensor, bias_C: Tensor, eps: float) -> Tensor:
    """As `kernels.norm_silu`, for pictures whose channels lie together (channels last)."""
    batch, channels, height, width = x_BCXY.shape
    if not x_BCXY.is_contiguous(memory_format=torch.channels_last):
        return kernels.norm_silu(x_BCXY, groups, weight_C, bias_C, eps)
    pixels, block = height * width, triton.next_power_of_2(channels)
    tile = max(1, PIXELS * 128 // block)
    tiles = triton.cdiv(triton.cdiv(pixels, tile), PROGRAMS)
    parts = triton.cdiv(pixels, tile * tiles)
    means, squares = torch.empty(2, batch, parts, channels, dtype=torch.float32, device=x_BCXY.device)
    _channel_moments[(batch, parts)](
        x_BCXY, means, squares, pixels, channels, tiles, PIXELS=tile, CHANNELS=block
    )
    scale, shift = torch.empty(2, batch, channels, dtype=torch.float32, device=x_BCXY.device)
    each = channels // groups
    _affine_of_groups[(batch, groups)](
        means,
        squares,
        weight_C,
        bias_C,
        scale,
        shift,
        pixels,
        channels,
        parts,
        tile * tiles,
        eps,
        each=each,
        EACH=triton.next_power_of_2(each),
        PARTS=triton.next_power_of_2(parts),
    )
    out = torch.empty_like(x_BCXY)
    grid = (batch, triton.cdiv(pixels, tile))
    _affine_silu[grid](x_BCXY, scale, shift, out, pixels, channels, PIXELS=tile, CHANNELS=block)
    return out


@triton.jit
def _softmax(scores, out, columns, factor, CHUNK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    scores, out = scores + row * columns, out + row * columns
    chunk = tl.arange(0, CHUNK)
    most = tl.full((CHUNK,), float("-inf"), dtype=tl.float32)
    total = tl.zeros((CHUNK,), dtype=tl.float32)
    for start in range(0, columns, CHUNK):
        column = start + chunk
        values = tl.load(scores + column, mask=column < columns, other=float("-inf")) * factor
        higher = tl.maximum(most, values)
        known = higher > float("-inf")
        total = total * tl.where(known, tl.exp(most - higher), 0.0) + tl.where(known, tl.exp(values - higher), 0.0)
        most = higher
    highest = tl.max(most, axis=0)
    whole = tl.sum(total * tl.exp(most - highest), axis=0)
    for start in range(0, columns, CHUNK):
        column = start + chunk
        values = tl.load(scores + column, mask=column < columns, other=float("-inf")) * factor
        made = tl.exp(values - highest) / whole
        tl.store(out + column, made.to(out.dtype.element_ty), mask=column < columns)


def softmax(scores: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """As `kernels.softmax`, of float32 scores that lie together."""
    out = torch.empty(scores.shape, dtype=dtype, device=scores.device)
    columns = scores.shape[-1]
    _softmax[(scores.numel() // columns,)](scores, out, columns, scale, CHUNK=CHUNK, num_warps=8)
    return out


FUSED = kernels.Kernels(
    modulate=kernels.modulate,
    norm_and_turn=norm_and_turn,
    swiglu=swiglu,
    join=join,
    add_gated=add_gated,
    quantise_rows=quantise_rows,
    modulate_rows=modulate_rows,
    swiglu_rows=swiglu_rows,
    join_rows=join_rows,
    norm_silu=norm_silu,
    softmax=softmax,
)
