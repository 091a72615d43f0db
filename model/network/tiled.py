"""Layers of the autoencoder on large pictures: band by band of rows, with the result of the whole.

Each function is the formula in its docstring. Past a bound it is worked out in bands, and nothing of an activation's
size is held but what goes in and comes out. A band sees the rows beside it, and group norm has its statistics of the
whole picture: there are no seams, only sums rounded in another order. Bands may overwrite their input, so nothing is
made in bands while gradients are enabled.

Legend: B batch, C channels, G groups of them, H W rows and columns, N tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.upload import upload

PLAIN_ELEMENTS = 1 << 28
"""The most elements of one picture that are made in one piece: what FLUX.2's decoder holds of 1024x1024."""

BAND_ELEMENTS = {"cpu": 1 << 22, "gpu": 1 << 24}
"""About how many elements a band has. A CPU's allocator keeps 16 MiB for the next band; a GPU needs more to be busy."""

SCORE_ELEMENTS, GPU_SCORE_ELEMENTS = 1 << 25, 1 << 27
"""About how many scores of attention are held at a time."""

FUSED_HEAD = 256
"""The largest head size that fused attention kernels of GPUs take."""

Prepare = Callable[[Tensor], Tensor]


class NormSilu(nn.GroupNorm):
    """silu(group norm). kernels: what computes it."""

    kernels: Kernels = EAGER

    def forward(self, x: Tensor) -> Tensor:
        return self.kernels.norm_silu(x, self.num_groups, self.weight, self.bias, self.eps)


def conv(x: Tensor, layer: nn.Conv2d, norm: NormSilu | None = None) -> Tensor:
    """`layer(norm(x))`, or `layer(x)`; 3x3 with padding 1. (B, C, H, W) -> (B, C', H, W)."""
    width = max(layer.in_channels, layer.out_channels) * x.shape[3]
    if not in_bands(width * x.shape[2]):
        return run(layer, x if norm is None else run(norm, x))
    out = x.new_empty(x.shape[0], layer.out_channels, *x.shape[2:])
    for start, stop, window in windows(x, band_rows(width, x.device), activation(x, norm)):
        out[:, :, start:stop] = unpadded(window, layer)
    return out


def residual(x: Tensor, shortcut: nn.Conv2d | None, hidden: Tensor, layer: nn.Conv2d, norm: NormSilu) -> Tensor:
    """`shortcut(x) + layer(norm(hidden))`, or `x + …`. (B, C, H, W) and (B, C', H, W) -> (B, C', H, W).

    In bands it is written over `x`, or over `hidden` where there is a shortcut.
    """
    width = max(x.shape[1], hidden.shape[1]) * x.shape[3]
    if not in_bands(width * x.shape[2]):
        change = run(layer, run(norm, hidden))
        return (x if shortcut is None else run(shortcut, x)) + change
    out = x if shortcut is None else hidden
    for start, stop, window in windows(hidden, band_rows(width, x.device), activation(hidden, norm)):
        kept = x[:, :, start:stop]
        change = unpadded(window, layer)
        out[:, :, start:stop] = (kept if shortcut is None else run(shortcut, kept)) + change
    return out


def upsample(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """`layer` over x with each pixel made 2x2; 3x3 with padding 1. (B, C, H, W) -> (B, C', 2H, 2W)."""
    width = 4 * max(layer.in_channels, layer.out_channels) * x.shape[3]
    if not in_bands(width * x.shape[2]):
        return run(layer, F.interpolate(x, scale_factor=2.0, mode="nearest"))
    out = x.new_empty(x.shape[0], layer.out_channels, 2 * x.shape[2], 2 * x.shape[3])
    for start, stop, window in windows(x, band_rows(width, x.device)):
        doubled = F.interpolate(window, scale_factor=2.0, mode="nearest")
        out[:, :, 2 * start : 2 * stop] = unpadded(doubled[:, :, 1:-1], layer)
    return out


def downsample(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """`layer` over x with zeros at its right and bottom; 3x3, stride 2. (B, C, H, W) -> (B, C', H // 2, W // 2)."""
    batch, channels, height, columns = x.shape
    width = max(channels, layer.out_channels) * columns
    if not in_bands(width * height):
        return run(layer, F.pad(x, (0, 1, 0, 1)))
    out = x.new_empty(batch, layer.out_channels, height // 2, columns // 2)
    rows = 2 * max(1, band_rows(width, x.device) // 2)
    for start, stop, window in windows(x, rows):
        if start + 1 < height:
            out[:, :, start // 2 : stop // 2] = run(layer, F.pad(window[:, :, 1:], (0, 1)))
    return out


def attention(q: Tensor, k: Tensor, v: Tensor, kernels: Kernels = EAGER) -> Tensor:
    """Scaled dot product attention, all (B, heads, N, D). Past the bound some queries at a time."""
    tokens = q.shape[2]
    if q.device.type == "cuda" and q.shape[3] > FUSED_HEAD and not torch.is_grad_enabled():
        return attention_of_wide_heads(q, k, v, kernels)
    if not in_bands(tokens * tokens):
        return F.scaled_dot_product_attention(q, k, v)
    out = torch.empty_like(q)
    for start, stop in ranges(tokens, max(1, SCORE_ELEMENTS // tokens)):
        out[:, :, start:stop] = F.scaled_dot_product_attention(q[:, :, start:stop], k, v)
    return out


def attention_of_wide_heads(q: Tensor, k: Tensor, v: Tensor, kernels: Kernels = EAGER) -> Tensor:
    """The same on a GPU, as products with a softmax in float32 between: fused kernels end at a head size of 256."""
    tokens = q.shape[2]
    queries, keys, values = (x.flatten(0, 1) for x in (q, k.transpose(2, 3), v))
    out = torch.empty_like(queries)
    for start, stop in ranges(tokens, max(1, GPU_SCORE_ELEMENTS // (tokens * queries.shape[0]))):
        scores = in_float32(queries[:, start:stop], keys)
        torch.bmm(kernels.softmax(scores, q.shape[3] ** -0.5, q.dtype), values, out=out[:, start:stop])
    return out.reshape(q.shape)


def in_float32(a: Tensor, b: Tensor) -> Tensor:
    """The product of batches of matrices, not rounded to their dtype where the device can leave it in float32."""
    if a.device.type == "cuda" and a.dtype != torch.float32:
        return torch.bmm(a, b, out_dtype=torch.float32)
    return torch.bmm(a, b)


_whole: ContextVar[int] = ContextVar("whole", default=0)


@contextmanager
def whole_up_to(elements: int) -> Iterator[None]:
    """Make activations of up to so many elements in one piece, should that be more than `PLAIN_ELEMENTS`."""
    token = _whole.set(elements)
    try:
        yield
    finally:
        _whole.reset(token)


def in_bands(elements: int) -> bool:
    """Whether an activation of so many elements a picture is made in bands."""
    return elements > max(PLAIN_ELEMENTS, _whole.get()) and not torch.is_grad_enabled()


def band_rows(width: int, device: torch.device) -> int:
    """How many rows of `width` elements a band has."""
    return max(1, BAND_ELEMENTS["cpu" if device.type == "cpu" else "gpu"] // width)


def ranges(length: int, step: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, step):
        yield start, min(start + step, length)


def silu(normed: Tensor) -> Tensor:
    """Over its input where no gradient needs it."""
    return F.silu(normed, inplace=not torch.is_grad_enabled())


def same(x: Tensor) -> Tensor:
    return x


def windows(x: Tensor, rows: int, prepare: Prepare = same) -> Iterator[tuple[int, int, Tensor]]:
    """Bands (start, stop) of x and their windows (B, C, 1 + stop - start + 1, W): prepared rows, one more on each side.

    Outside the picture rows are zero. A window is good until the next is asked for; x may be overwritten up to `stop`.
    """
    batch, channels, height, columns = x.shape
    memory = x.new_zeros(batch, channels, min(rows, height) + 2, columns)
    for start, stop in ranges(height, rows):
        window = memory[:, :, : stop - start + 2]
        window[:, :, -1] = 0
        fresh = x[:, :, start : stop + 1]
        window[:, :, 1 : 1 + fresh.shape[2]] = prepare(fresh)
        yield start, stop, window
        memory[:, :, 0] = window[:, :, -2]


def unpadded(window: Tensor, layer: nn.Conv2d) -> Tensor:
    """A 3x3 convolution of a window: (B, C, H + 2, W) -> (B, C', H, W)."""
    return F.conv2d(window, layer.weight, layer.bias, padding=(0, 1))


def activation(x: Tensor, norm: NormSilu | None) -> Prepare:
    """What makes `norm(x)` of any rows of x. Like torch's own it norms in float32 and rounds before silu."""
    if norm is None:
        return same
    each = x.shape[1] // norm.num_groups
    moments = group_moments(x, norm.num_groups)
    mean, var = (moment.repeat_interleave(each, dim=1)[..., None, None] for moment in moments)
    weight, bias = (parameter.float()[:, None, None] for parameter in (norm.weight, norm.bias))
    scale = torch.rsqrt(var + norm.eps) * weight

    def prepare(rows: Tensor) -> Tensor:
        centred = rows - mean
        return silu(torch.addcmul(bias, centred, scale, out=centred).to(x.dtype))

    return prepare


def group_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance (B, G) of each group over the whole picture, in float32.

    Those of the bands, merged as in Chan, Golub and LeVeque (1979): no square of a large mean is ever taken.
    """
    bands = list(ranges(x.shape[2], band_rows(x.shape[1] * x.shape[3], x.device)))
    means, variances = x.new_empty(2, len(bands), x.shape[0], groups, dtype=torch.float32)
    for i, (start, stop) in enumerate(bands):
        band = torch.unflatten(x[:, :, start:stop].float(), 1, (groups, -1))
        variances[i], means[i] = torch.var_mean(band, dim=(2, 3, 4), correction=0)
    share = upload(torch.tensor([(stop - start) / x.shape[2] for start, stop in bands]), x.device)[:, None, None]
    drift = means - means[0]
    shift = (share * drift).sum(0)
    return means[0] + shift, (share * (variances + (drift - shift).square())).sum(0)


def run(layer: nn.Module, x: Tensor) -> Tensor:
    out: Tensor = layer(x)
    return out
