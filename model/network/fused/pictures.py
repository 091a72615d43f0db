"""The autoencoder's activations: group norm with SiLU, and the softmax of the mid block's attention.

Legend: B pictures, C channels, X Y rows and columns.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from brandpress.model.network import kernels

PIXELS, PROGRAMS, CHUNK = 32, 1024, 2048
"""Pixels per tile at 128 channels, programs that share the pixels of a picture, and columns per read of `softmax`."""


@triton.jit
def _channel_moments(x, means, squares, pixels, channels, tiles, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    """Each channel's mean, and the sum of squared deviations from it, over this program's part of the pixels.

    Tiles are merged as in Chan, Golub and LeVeque (1979), which never squares a large mean.
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
        tile_count = tl.minimum(tl.maximum(pixels - tile * PIXELS, 0), PIXELS).to(tl.float32)
        if tile_count > 0:
            tile_mean = tl.sum(values, axis=0) / tile_count
            deviation = tl.where(there, values - tile_mean[None, :], 0.0)
            drift, total = tile_mean - mean, count + tile_count
            square += tl.sum(deviation * deviation, axis=0) + drift * drift * (count * tile_count / total)
            mean += drift * (tile_count / total)
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
    """Each channel's scale and shift from the channels' moments: `x * scale + shift` is the group norm."""
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
    group_mean = tl.sum(tl.sum(weights * mean, axis=1), axis=0)
    drift = tl.where(there, mean - group_mean, 0.0)
    spread = tl.sum(tl.sum(square / (pixels * 1.0 * each) + weights * drift * drift, axis=1), axis=0)
    factor = 1.0 / tl.sqrt(spread + eps)
    gain = tl.load(weight + channel, mask=inside, other=0.0).to(tl.float32) * factor
    offset = tl.load(bias + channel, mask=inside, other=0.0).to(tl.float32) - group_mean * gain
    tl.store(scale + picture * channels + channel, gain, mask=inside)
    tl.store(shift + picture * channels + channel, offset, mask=inside)


@triton.jit
def _affine_silu(x, scale, shift, out, pixels, channels, PIXELS: tl.constexpr, CHANNELS: tl.constexpr):
    picture = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0).to(tl.int64) * PIXELS + tl.arange(0, PIXELS)
    channel = tl.arange(0, CHANNELS)
    inside = channel < channels
    there = (pixel < pixels)[:, None] & inside[None, :]
    places = picture * pixels * channels + pixel[:, None] * channels + channel[None, :]
    gain = tl.load(scale + picture * channels + channel, mask=inside, other=0.0)
    offset = tl.load(shift + picture * channels + channel, mask=inside, other=0.0)
    normed = tl.load(x + places, mask=there, other=0.0).to(tl.float32) * gain[None, :] + offset[None, :]
    tl.store(out + places, (normed / (1.0 + tl.exp(-normed))).to(out.dtype.element_ty), mask=there)


def norm_silu(x_BCXY: Tensor, groups: int, weight_C: Tensor, bias_C: Tensor, eps: float) -> Tensor:
    """Like `kernels.norm_silu`, for channels-last pictures; other layouts fall back to it."""
    batch, channels, height, width = x_BCXY.shape
    if not x_BCXY.is_contiguous(memory_format=torch.channels_last):
        return kernels.norm_silu(x_BCXY, groups, weight_C, bias_C, eps)
    pixels, block = height * width, triton.next_power_of_2(channels)
    tile = max(1, PIXELS * 128 // block)
    tiles = triton.cdiv(triton.cdiv(pixels, tile), PROGRAMS)
    parts = triton.cdiv(pixels, tile * tiles)
    means, squares = torch.empty(2, batch, parts, channels, dtype=torch.float32, device=x_BCXY.device)
    _channel_moments[(batch, parts)](x_BCXY, means, squares, pixels, channels, tiles, PIXELS=tile, CHANNELS=block)
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
    grid = (triton.cdiv(pixels, tile), batch)  # only the first axis may exceed 65,535
    _affine_silu[grid](x_BCXY, scale, shift, out, pixels, channels, PIXELS=tile, CHANNELS=block)
    return out


@triton.jit
def _softmax(scores, out, columns, factor, CHUNK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    scores, out = scores + row * columns, out + row * columns
    chunk = tl.arange(0, CHUNK)
    largest = tl.full((CHUNK,), float("-inf"), dtype=tl.float32)
    total = tl.zeros((CHUNK,), dtype=tl.float32)
    for start in range(0, columns, CHUNK):
        column = start + chunk
        values = tl.load(scores + column, mask=column < columns, other=float("-inf")) * factor
        higher = tl.maximum(largest, values)
        finite = higher > float("-inf")
        total = total * tl.where(finite, tl.exp(largest - higher), 0.0) + tl.where(finite, tl.exp(values - higher), 0.0)
        largest = higher
    highest = tl.max(largest, axis=0)
    whole = tl.sum(total * tl.exp(largest - highest), axis=0)
    for start in range(0, columns, CHUNK):
        column = start + chunk
        values = tl.load(scores + column, mask=column < columns, other=float("-inf")) * factor
        probability = tl.exp(values - highest) / whole
        tl.store(out + column, probability.to(out.dtype.element_ty), mask=column < columns)


def softmax(scores: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """Like `kernels.softmax`, for contiguous float32 scores."""
    out = torch.empty(scores.shape, dtype=dtype, device=scores.device)
    columns = scores.shape[-1]
    _softmax[(scores.numel() // columns,)](scores, out, columns, scale, CHUNK=CHUNK, num_warps=8)
    return out
