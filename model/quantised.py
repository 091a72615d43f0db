"""Linear layers whose weights stay in eight bits in memory.

On a GPU with fp8 matrix units the product runs in fp8, the activations quantised as they come; elsewhere a layer's
weight is expanded just for its own product. Source of the format: `torch.float8_e4m3fn` (OCP FP8, no infinities,
largest 448), with one float32 scale a tensor as BFL's fp8 files have it, or one a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)
LARGEST = 448.0
BLOCK_ELEMENTS = 1 << 20
FP8_UNITS = (8, 9)
"""The CUDA capability from which on GPUs multiply fp8 matrices (Ada, Hopper)."""


class Fp8Linear(nn.Module):
    """y = x @ (weight * scale).T, without a bias.

    weight: (out, in) in float8. scale: () or (out, 1), float32. input_scale: (), the activations' static scale where
    the file has one; else they are scaled by their own largest value. in_units: the product may run in fp8.
    """

    weight: Tensor
    scale: Tensor
    input_scale: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor, input_scale: Tensor | None = None, in_units: bool = True) -> None:
        super().__init__()
        self.in_units = in_units
        self.out_features, self.in_features = weight.shape
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("scale", scale)
        self.register_buffer("input_scale", input_scale)

    def forward(self, x: Tensor) -> Tensor:
        if self.in_units and self._fits_units(x):
            return self.multiply_fp8(x)
        if x.dtype == torch.float16:  # the unscaled product could pass float16's range
            return F.linear(x, self.expanded(x.dtype))
        product: Tensor = F.linear(x, self.weight.to(x.dtype))
        return product * self.scale.flatten().to(x.dtype)

    def expanded(self, dtype: torch.dtype) -> Tensor:
        """The weight as a dense matrix (out, in)."""
        return (self.weight.to(torch.float32) * self.scale).to(dtype)

    def multiply_fp8(self, x: Tensor) -> Tensor:
        """The product of fp8 matrices, accumulated in float32; x (..., in) is quantised with one scale."""
        flat = x.reshape(-1, self.in_features)
        scale = self.input_scale
        if scale is None:
            scale = (flat.abs().amax().float() / LARGEST).clamp_min(1e-12)
        small = (flat.float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
        product: Tensor = torch._scaled_mm(
            small, self.weight.t(), scale_a=scale, scale_b=self.scale.reshape(()), out_dtype=x.dtype
        )
        return product.reshape(*x.shape[:-1], self.out_features)

    def _fits_units(self, x: Tensor) -> bool:
        return (
            x.device.type == "cuda"
            and self.scale.numel() == 1
            and self.weight.dtype == torch.float8_e4m3fn
            and not (self.in_features % 16 or self.out_features % 16)
            and torch.cuda.get_device_capability(x.device) >= FP8_UNITS
        )


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A dense weight (out, in) -> float8_e4m3fn and its scale: the largest value lands on 448."""
    least, most = torch.aminmax(weight)
    scale = (torch.maximum(-least, most).float() / LARGEST).clamp_min(1e-12)
    small = torch.empty(weight.shape, dtype=torch.float8_e4m3fn, device=weight.device)
    for rows in row_blocks(weight.shape):  # a float32 copy of the whole would be four times what is kept
        small[rows] = (weight[rows].float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)
    return small, scale


def row_blocks(shape: Sequence[int]) -> Iterator[slice]:
    """Slices of a matrix's rows, of about 4 MiB in float32 each."""
    step = max(1, BLOCK_ELEMENTS // shape[1])
    return (slice(start, start + step) for start in range(0, shape[0], step))
