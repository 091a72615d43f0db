"""Dequantises NVFP4 weights of BFL's files. Sources: OCP's FP4 (E2M1) values; cuBLAS' layout of block scales.

Each byte holds two values, the even column in its high half. Each group of 16 columns has a float8 scale; these scales
are stored in blocks of 128 rows and 4 columns. The tensor has one float32 scale.
"""

from __future__ import annotations

import torch
from torch import Tensor

from brandpress.model.network.fp8 import row_blocks

GROUP = 16
_MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_VALUES = (*_MAGNITUDES, *(-value for value in _MAGNITUDES))
_PAIRS = torch.tensor([(_VALUES[byte >> 4], _VALUES[byte & 15]) for byte in range(256)])


def dequantise(packed: Tensor, block_scales: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the (N, K) weights in `dtype`, computed in float32.

    packed: (N, K/2) uint8. block_scales: (N, K/16) float8 in row-major order. scale: ().
    """
    out = torch.empty(packed.shape[0], 2 * packed.shape[1], dtype=dtype)
    for rows in row_blocks(out.shape):
        values = _PAIRS.index_select(0, packed[rows].flatten().int()).reshape(-1, GROUP)
        scales = (block_scales[rows].float() * scale.float()).reshape(-1, 1)
        out[rows] = (values * scales).reshape(out[rows].shape).to(dtype)
    return out


def row_major(stored: Tensor, rows: int, columns: int) -> Tensor:
    """Returns stored block scales as (rows, columns), without the padding to multiples of 128 rows and 4 columns."""
    row_blocks, column_blocks = -(-rows // 128), -(-columns // 4)
    blocks = stored.view(torch.uint8).reshape(row_blocks, column_blocks, 32, 4, 4)
    plain = blocks.permute(0, 3, 2, 1, 4).reshape(row_blocks * 128, column_blocks * 4)
    return plain[:rows, :columns].contiguous().view(stored.dtype)
