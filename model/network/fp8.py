"""Linear layers whose weights stay in eight bits in memory.

On a GPU with fp8 matrix units the product runs in fp8. Each row of the activations has a scale of its own, so that a
picture's rows don't depend on what else is in the pass. Elsewhere a layer's weight is expanded for its own product.
Source of the format: `torch.float8_e4m3fn` (OCP FP8, no infinities, largest 448), with one float32 scale a tensor as
BFL's fp8 files have it, or one a row.

Legend: T rows of activations, I input features, O output features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)
LARGEST = 448.0
SMALLEST_SCALE = 1e-12
BLOCK_ELEMENTS = 1 << 20
FP8_UNITS = (8, 9)
"""The CUDA capability from which on GPUs multiply fp8 matrices (Ada, Hopper)."""


class Fp8Rows(NamedTuple):
    """Activations in float8_e4m3fn (T, I) and the float32 scale of each row (T, 1)."""

    values: Tensor
    scale: Tensor


class Fp8Linear(nn.Module):
    """y = x @ (weight * scale).T, without a bias.

    weight: (O, I) in float8. scale: () or (O, 1), float32. input_scale: (), the activations' static scale where the
    file has one; without it each row of activations is scaled by its own largest value. in_units: the product may run
    in fp8.
    """

    weight: Tensor
    scale: Tensor
    columns: Tensor
    input_scale: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor, input_scale: Tensor | None = None, in_units: bool = True) -> None:
        super().__init__()
        self.in_units = in_units
        self.out_features, self.in_features = weight.shape
        self.static = None if input_scale is None else float(input_scale)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("scale", scale)
        self.register_buffer("input_scale", input_scale)
        columns = scale.reshape(1, -1).expand(1, self.out_features).contiguous()
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.runs_in_fp8(x.device):
            flat = x.reshape(-1, self.in_features)
            return self.multiply(quantise_rows(flat, self.input_scale), x.dtype).reshape(*x.shape[:-1], -1)
        if x.dtype == torch.float16:  # the unscaled product could pass float16's range
            return F.linear(x, self.expanded(x.dtype))
        product: Tensor = F.linear(x, self.weight.to(x.dtype))
        return product.mul_(self.columns[0])  # in float32, rounded once

    def expanded(self, dtype: torch.dtype) -> Tensor:
        """The weight as a dense matrix (O, I)."""
        return (self.weight.to(torch.float32) * self.scale).to(dtype)

    def multiply(self, x: Fp8Rows, dtype: torch.dtype, out: Tensor | None = None) -> Tensor:
        """The product (T, O) of fp8 matrices; written to `out` where the product can be."""
        if dtype == torch.bfloat16:
            return scaled_product(x, self.weight, self.columns, out)
        # Scales of rows and columns are only taken together with bfloat16 results.
        one = torch.ones((), device=x.values.device)
        product = torch._scaled_mm(x.values, self.weight.t(), scale_a=one, scale_b=one, out_dtype=torch.float32)
        return product.mul_(x.scale).mul_(self.columns).to(dtype)

    def narrowed(self, rows: slice) -> Fp8Linear:
        """The layer of those output features; the weight is shared."""
        scale = self.scale[rows] if self.scale.numel() > 1 else self.scale
        part = Fp8Linear(self.weight[rows], scale, None, self.in_units)
        part.input_scale, part.static = self.input_scale, self.static
        return part

    def runs_in_fp8(self, device: torch.device) -> bool:
        """Whether products on a device run in its fp8 units."""
        return (
            self.in_units
            and device.type == "cuda"
            and self.weight.dtype == torch.float8_e4m3fn
            and not (self.in_features % 16 or self.out_features % 16)
            and torch.cuda.get_device_capability(device) >= FP8_UNITS
        )


def scaled_product(x: Fp8Rows, weight_OI: Tensor, columns_1O: Tensor, out: Tensor | None = None) -> Tensor:
    """(x.values * x.scale) @ (weight * columns.T).T -> (T, O) in bfloat16.

    Partial sums stay in the matrix units (`use_fast_accum`): they keep fewer bits of a sum than float32 has, which is
    less than what rounding to eight bits loses.
    """
    made: Tensor = torch._scaled_mm(
        x.values,
        weight_OI.t(),
        scale_a=x.scale,
        scale_b=columns_1O,
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
        **({} if out is None else {"out": out}),
    )
    return made


def quantise_rows(x_TI: Tensor, static: Tensor | None = None) -> Fp8Rows:
    """Rows in fp8, each by its own scale: its largest value lands on 448. static: one scale for all, from a file."""
    if static is None:
        scale = (x_TI.abs().amax(dim=-1, keepdim=True).float() / LARGEST).clamp_min(SMALLEST_SCALE)
    else:
        scale = static.float().reshape(1, 1).expand(x_TI.shape[0], 1).contiguous()
    return Fp8Rows((x_TI.float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale)


def sharing(layers: Sequence[nn.Module], device: torch.device) -> Fp8Linear | None:
    """The first of layers that can all take their common input as the same `Fp8Rows`; None where they can't."""
    fp8 = [layer for layer in layers if isinstance(layer, Fp8Linear) and layer.runs_in_fp8(device)]
    return fp8[0] if len(fp8) == len(layers) and len({layer.static for layer in fp8}) == 1 else None


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A dense weight (out, in) -> float8_e4m3fn and its scale: the largest value lands on 448."""
    least, most = torch.aminmax(weight)
    scale = (torch.maximum(-least, most).float() / LARGEST).clamp_min(SMALLEST_SCALE)
    small = torch.empty(weight.shape, dtype=torch.float8_e4m3fn, device=weight.device)
    for rows in row_blocks(weight.shape):  # a float32 copy of the whole would be four times what is kept
        small[rows] = (weight[rows].float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
    return small, scale


def row_blocks(shape: Sequence[int]) -> Iterator[slice]:
    """Slices of a matrix's rows, of about 4 MiB in float32 each."""
    step = max(1, BLOCK_ELEMENTS // shape[1])
    return (slice(start, start + step) for start in range(0, shape[0], step))
