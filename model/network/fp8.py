"""Linear layers whose weights stay in float8 in memory.

GPUs with fp8 matrix units multiply in fp8: each row of activations is quantised with its own scale, so a picture's rows
don't depend on the rest of the batch. On other devices a layer's weight is cast to the activations' dtype for each
product. Source of the format: `torch.float8_e4m3fn` (OCP FP8, no infinities, largest value 448), with one float32 scale
per tensor, as in BFL's fp8 files, or one per row.

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
ALIGNMENT = 16
"""Bytes to which cuBLAS wants scales of rows and columns aligned."""
FP8_UNITS = (8, 9)
"""The lowest CUDA capability with fp8 matrix units (Ada, Hopper)."""


class Fp8Rows(NamedTuple):
    """Activations in float8_e4m3fn (T, I), and the float32 scale of each row (T, 1)."""

    values: Tensor
    scale: Tensor


class Fp8Linear(nn.Module):
    """y = x @ (weight * scale).T, without a bias.

    weight: (O, I) in float8. scale: () or (O, 1), float32. input_scale: (), the static scale of the activations, if the
    file has one; without it each row is scaled by its own largest value. fp8_product: whether the product may run in
    fp8.
    """

    weight: Tensor
    scale: Tensor
    column_scales: Tensor
    input_scale: Tensor | None

    def __init__(
        self, weight: Tensor, scale: Tensor, input_scale: Tensor | None = None, *, fp8_product: bool = True
    ) -> None:
        super().__init__()
        self.fp8_product = fp8_product
        self.out_features, self.in_features = weight.shape
        self.static_input_scale = None if input_scale is None else float(input_scale)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("scale", scale)
        self.register_buffer("input_scale", input_scale)
        column_scales = scale.reshape(1, -1).expand(1, self.out_features).contiguous()
        self.register_buffer("column_scales", column_scales, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(..., I) -> (..., O) in the dtype of x."""
        if self.runs_in_fp8(x.device):
            flat = x.reshape(-1, self.in_features)
            return self.multiply(quantise_rows(flat, self.input_scale), x.dtype).reshape(*x.shape[:-1], -1)
        if x.dtype == torch.float16:  # the unscaled product could overflow float16
            return F.linear(x, self.dequantised(x.dtype))
        product: Tensor = F.linear(x, self.weight.to(x.dtype))
        return product.mul_(self.column_scales[0])  # the float32 scale is rounded only once, in the result

    def dequantised(self, dtype: torch.dtype) -> Tensor:
        """Returns the weight as a dense matrix (O, I)."""
        return (self.weight.to(torch.float32) * self.scale).to(dtype)

    def multiply(self, x: Fp8Rows, dtype: torch.dtype, out: Tensor | None = None) -> Tensor:
        """Returns the product (T, O) of fp8 matrices, in `out` if the product can write there."""
        if dtype == torch.bfloat16:
            return scaled_product(x, self.weight, self.column_scales, out)
        # torch takes row and column scales only for bfloat16 results.
        one = torch.ones((), device=x.values.device)
        product = torch._scaled_mm(x.values, self.weight.t(), scale_a=one, scale_b=one, out_dtype=torch.float32)
        return product.mul_(x.scale).mul_(self.column_scales).to(dtype)

    def narrowed(self, rows: slice) -> Fp8Linear:
        """Returns a layer of some of the output features; they share the weight."""
        scale = self.scale[rows] if self.scale.numel() > 1 else self.scale
        part = Fp8Linear(self.weight[rows], scale, fp8_product=self.fp8_product)
        part.input_scale, part.static_input_scale = self.input_scale, self.static_input_scale
        return part

    def runs_in_fp8(self, device: torch.device) -> bool:
        """Whether products on this device run in fp8."""
        return (
            self.fp8_product
            and device.type == "cuda"
            and self.weight.dtype == torch.float8_e4m3fn
            and not (self.in_features % 16 or self.out_features % 16)
            and torch.cuda.get_device_capability(device) >= FP8_UNITS
        )


def scaled_product(x: Fp8Rows, weight_OI: Tensor, column_scales_1O: Tensor, out: Tensor | None = None) -> Tensor:
    """Returns (x.values * x.scale) @ (weight * column_scales.T).T, (T, O) in bfloat16.

    Partial sums stay in the matrix units (`use_fast_accum`). They keep fewer bits than float32; that loss is smaller
    than the loss of rounding to eight bits.
    """
    product: Tensor = torch._scaled_mm(
        x.values,
        weight_OI.t(),
        scale_a=aligned(x.scale),
        scale_b=aligned(column_scales_1O),
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
        **({} if out is None else {"out": out}),
    )
    return product


def aligned(scales: Tensor) -> Tensor:
    """Returns the scales at an address that cuBLAS takes; scales of rows that begin anywhere may have to be copied."""
    return scales.clone() if scales.data_ptr() % ALIGNMENT else scales


def quantise_rows(x_TI: Tensor, static_scale: Tensor | None = None) -> Fp8Rows:
    """Quantise each row with its own scale, which maps its largest value to 448, or all rows with `static_scale`."""
    if static_scale is None:
        scale = (x_TI.abs().amax(dim=-1, keepdim=True).float() / LARGEST).clamp_min(SMALLEST_SCALE)
    else:
        scale = static_scale.float().reshape(1, 1).expand(x_TI.shape[0], 1).contiguous()
    return Fp8Rows((x_TI.float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale)


def shared_fp8_input(layers: Sequence[nn.Module], device: torch.device) -> Fp8Linear | None:
    """Returns the first of these layers if all of them can take the same `Fp8Rows` as input; None if they can't."""
    fp8 = [layer for layer in layers if isinstance(layer, Fp8Linear) and layer.runs_in_fp8(device)]
    return fp8[0] if len(fp8) == len(layers) and len({layer.static_input_scale for layer in fp8}) == 1 else None


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise a dense weight (O, I): returns it in float8_e4m3fn, and the scale that maps its largest value to 448."""
    smallest, largest = torch.aminmax(weight)
    scale = (torch.maximum(-smallest, largest).float() / LARGEST).clamp_min(SMALLEST_SCALE)
    quantised = torch.empty(weight.shape, dtype=torch.float8_e4m3fn, device=weight.device)
    for rows in row_blocks(weight.shape):  # a float32 copy of the whole weight would take four times its memory
        quantised[rows] = (weight[rows].float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
    return quantised, scale


def row_blocks(shape: Sequence[int]) -> Iterator[slice]:
    """Slices of the rows of a matrix, about 4 MiB in float32 each."""
    step = max(1, BLOCK_ELEMENTS // shape[1])
    return (slice(start, start + step) for start in range(0, shape[0], step))
