"""Layers of the autoencoder that process large pictures in tiles to save memory. A tile is a number of full rows.

Each function computes the formula in its docstring. Above a size it works tile by tile, and holds nothing as large as
an activation except its input and its output. A tile sees the neighbouring rows, and group norm uses the statistics of
the whole picture, so there are no seams; only sums are rounded in another order. Tiles can overwrite their input, so
layers work in one piece while gradients are enabled.

Legend: B batch, C channels, G groups of channels, H W rows and columns, N tokens, D head size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network.device_copy import copy_to_device
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.untiled import MAX_UNTILED_ELEMENTS

TILE_ELEMENTS = {"cpu": 1 << 22, "gpu": 1 << 24}
"""Approximate size of a tile. A CPU's allocator reuses blocks of up to 16 MiB; a GPU needs larger tiles to be busy."""

SCORE_ELEMENTS, GPU_SCORE_ELEMENTS = 1 << 25, 1 << 27
"""Approximate number of attention scores that are held at a time."""

FUSED_HEAD = 256
"""The largest head size that the fused attention kernels of GPUs support."""

Prepare = Callable[[Tensor], Tensor]


class NormSilu(nn.GroupNorm):
    """silu(group norm(x)), computed by `kernels`: (B, C, H, W) -> (B, C, H, W)."""

    kernels: Kernels = EAGER

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.kernels.norm_silu(x_BCHW, self.num_groups, self.weight, self.bias, self.eps)


def conv(x: Tensor, layer: nn.Conv2d, norm: NormSilu | None = None) -> Tensor:
    """`layer(norm(x))`, or `layer(x)` without a norm; 3x3 with padding 1. (B, C, H, W) -> (B, C', H, W)."""
    width = max(layer.in_channels, layer.out_channels) * x.shape[3]
    if not is_tiled(width * x.shape[2]):
        return run(layer, x if norm is None else run(norm, x))
    out = x.new_empty(x.shape[0], layer.out_channels, *x.shape[2:])
    for start, stop, window in windows(x, tile_rows(width, x.device), activation(x, norm)):
        out[:, :, start:stop] = unpadded(window, layer)
    return out


def residual(x: Tensor, shortcut: nn.Conv2d | None, hidden: Tensor, layer: nn.Conv2d, norm: NormSilu) -> Tensor:
    """`shortcut(x) + layer(norm(hidden))`, or `x + …`. (B, C, H, W) and (B, C', H, W) -> (B, C', H, W).

    In tiles, the result overwrites `x`, or `hidden` if there is a shortcut.
    """
    width = max(x.shape[1], hidden.shape[1]) * x.shape[3]
    if not is_tiled(width * x.shape[2]):
        change = run(layer, run(norm, hidden))
        return (x if shortcut is None else run(shortcut, x)) + change
    out = x if shortcut is None else hidden
    for start, stop, window in windows(hidden, tile_rows(width, x.device), activation(hidden, norm)):
        rows = x[:, :, start:stop]
        change = unpadded(window, layer)
        out[:, :, start:stop] = (rows if shortcut is None else run(shortcut, rows)) + change
    return out


def upsample(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """`layer` over x with each pixel repeated 2x2; 3x3 with padding 1. (B, C, H, W) -> (B, C', 2H, 2W)."""
    width = 4 * max(layer.in_channels, layer.out_channels) * x.shape[3]
    if not is_tiled(width * x.shape[2]):
        return run(layer, F.interpolate(x, scale_factor=2.0, mode="nearest"))
    out = x.new_empty(x.shape[0], layer.out_channels, 2 * x.shape[2], 2 * x.shape[3])
    for start, stop, window in windows(x, tile_rows(width, x.device)):
        doubled = F.interpolate(window, scale_factor=2.0, mode="nearest")
        out[:, :, 2 * start : 2 * stop] = unpadded(doubled[:, :, 1:-1], layer)
    return out


def downsample(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """`layer` over x with zeros at the right and bottom; 3x3, stride 2. (B, C, H, W) -> (B, C', H // 2, W // 2)."""
    batch, channels, height, columns = x.shape
    width = max(channels, layer.out_channels) * columns
    if not is_tiled(width * height):
        return run(layer, F.pad(x, (0, 1, 0, 1)))
    out = x.new_empty(batch, layer.out_channels, height // 2, columns // 2)
    rows = 2 * max(1, tile_rows(width, x.device) // 2)
    for start, stop, window in windows(x, rows):
        if start + 1 < height:
            out[:, :, start // 2 : stop // 2] = run(layer, F.pad(window[:, :, 1:], (0, 1)))
    return out


def attention(q: Tensor, k: Tensor, v: Tensor, kernels: Kernels = EAGER) -> Tensor:
    """Scaled dot product attention, all (B, heads, N, D). Above a size, some queries at a time."""
    tokens = q.shape[2]
    if q.device.type == "cuda" and q.shape[3] > FUSED_HEAD and not torch.is_grad_enabled():
        return attention_of_wide_heads(q, k, v, kernels)
    if not is_tiled(tokens * tokens):
        return F.scaled_dot_product_attention(q, k, v)
    out = torch.empty_like(q)
    for start, stop in ranges(tokens, max(1, SCORE_ELEMENTS // tokens)):
        out[:, :, start:stop] = F.scaled_dot_product_attention(q[:, :, start:stop], k, v)
    return out


def attention_of_wide_heads(q: Tensor, k: Tensor, v: Tensor, kernels: Kernels = EAGER) -> Tensor:
    """`attention` as two products with a float32 softmax between, for heads that fused kernels don't support."""
    tokens = q.shape[2]
    queries, keys, values = (x.flatten(0, 1) for x in (q, k.transpose(2, 3), v))
    out = torch.empty_like(queries)
    for start, stop in ranges(tokens, max(1, GPU_SCORE_ELEMENTS // (tokens * queries.shape[0]))):
        scores = in_float32(queries[:, start:stop], keys)
        torch.bmm(kernels.softmax(scores, q.shape[3] ** -0.5, q.dtype), values, out=out[:, start:stop])
    return out.reshape(q.shape)


BMM_TAKES_OUT_DTYPE = hasattr(torch.ops.aten.bmm, "dtype")
"""From torch 2.8 on, for half precision on a GPU."""


def in_float32(a: Tensor, b: Tensor) -> Tensor:
    """The batched matrix product in float32, whose range scores of half precision need."""
    if BMM_TAKES_OUT_DTYPE and a.device.type == "cuda" and a.dtype != torch.float32:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a.float(), b.float())


_untiled: ContextVar[int] = ContextVar("untiled", default=0)


@contextmanager
def untiled_up_to(elements: int) -> Iterator[None]:
    """Inside the block, compute activations of up to `elements` in one piece, even above `MAX_UNTILED_ELEMENTS`."""
    token = _untiled.set(elements)
    try:
        yield
    finally:
        _untiled.reset(token)


def is_tiled(elements: int) -> bool:
    """Whether an activation with this number of elements per picture is computed in tiles."""
    return elements > max(MAX_UNTILED_ELEMENTS, _untiled.get()) and not torch.is_grad_enabled()


def tile_rows(width: int, device: torch.device) -> int:
    """The number of rows per tile, for rows of `width` elements."""
    return max(1, TILE_ELEMENTS["cpu" if device.type == "cpu" else "gpu"] // width)


def ranges(length: int, step: int) -> Iterator[tuple[int, int]]:
    """Yields (start, stop) of consecutive pieces of at most `step`."""
    for start in range(0, length, step):
        yield start, min(start + step, length)


def silu(normed: Tensor) -> Tensor:
    """SiLU, in place while gradients are disabled."""
    return F.silu(normed, inplace=not torch.is_grad_enabled())


def identity(x: Tensor) -> Tensor:
    """Returns x."""
    return x


def windows(x: Tensor, rows: int, prepare: Prepare = identity) -> Iterator[tuple[int, int, Tensor]]:
    """Yields (start, stop, window) per tile. A window has one more row on each side, (B, C, rows + 2, W), all prepared.

    Rows outside the picture are zero. A window is valid until the next one. The caller may overwrite x up to `stop`.
    """
    batch, channels, height, columns = x.shape
    memory = x.new_zeros(batch, channels, min(rows, height) + 2, columns)
    for start, stop in ranges(height, rows):
        window = memory[:, :, : stop - start + 2]
        window[:, :, -1] = 0
        new_rows = x[:, :, start : stop + 1]
        window[:, :, 1 : 1 + new_rows.shape[2]] = prepare(new_rows)
        yield start, stop, window
        memory[:, :, 0] = window[:, :, -2]


def unpadded(window: Tensor, layer: nn.Conv2d) -> Tensor:
    """The 3x3 convolution of a window, without padding at the top and bottom: (B, C, H + 2, W) -> (B, C', H, W)."""
    return F.conv2d(window, layer.weight, layer.bias, padding=(0, 1))


def activation(x: Tensor, norm: NormSilu | None) -> Prepare:
    """Returns a function that computes `norm` for any rows of x, in float32 and rounded before SiLU like torch's."""
    if norm is None:
        return identity
    channels_per_group = x.shape[1] // norm.num_groups
    moments = group_moments(x, norm.num_groups)
    mean, var = (moment.repeat_interleave(channels_per_group, dim=1)[..., None, None] for moment in moments)
    weight, bias = (parameter.float()[:, None, None] for parameter in (norm.weight, norm.bias))
    scale = torch.rsqrt(var + norm.eps) * weight

    def prepare(rows: Tensor) -> Tensor:
        centred = rows - mean
        return silu(torch.addcmul(bias, centred, scale, out=centred).to(x.dtype))

    return prepare


def group_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance (B, G) of each group over the whole picture, in float32.

    Merges the tiles' moments as in Chan, Golub and LeVeque (1979), which never squares a large mean.
    """
    tiles = list(ranges(x.shape[2], tile_rows(x.shape[1] * x.shape[3], x.device)))
    means, variances = x.new_empty(2, len(tiles), x.shape[0], groups, dtype=torch.float32)
    for i, (start, stop) in enumerate(tiles):
        tile = torch.unflatten(x[:, :, start:stop].float(), 1, (groups, -1))
        variances[i], means[i] = torch.var_mean(tile, dim=(2, 3, 4), correction=0)
    share = copy_to_device(torch.tensor([(stop - start) / x.shape[2] for start, stop in tiles]), x.device)[
        :, None, None
    ]
    drift = means - means[0]
    shift = (share * drift).sum(0)
    return means[0] + shift, (share * (variances + (drift - shift).square())).sum(0)


def run(layer: nn.Module, x: Tensor) -> Tensor:
    """layer(x), with a type."""
    out: Tensor = layer(x)
    return out
