"""NVFP4 weights as BFL's files store them -> dense. Source: the OCP FP4 (E2M1) values; cuBLAS' layout of block scales.

Two values a byte, the even column in the high half; a float8 scale for 16 columns, stored in blocks of 128 rows and 4
columns; one float32 scale for the tensor.
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
    """packed (N, K/2) uint8, block_scales (N, K/16) float8 in plain order, scale () -> (N, K); computed in float32."""
    out = torch.empty(packed.shape[0], 2 * packed.shape[1], dtype=dtype)
    for rows in row_blocks(out.shape):
        values = _PAIRS.index_select(0, packed[rows].flatten().int()).reshape(-1, GROUP)
        scales = (block_scales[rows].float() * scale.float()).reshape(-1, 1)
        out[rows] = (values * scales).reshape(out[rows].shape).to(dtype)
    return out


def plain_order(stored: Tensor, rows: int, columns: int) -> Tensor:
    """Block scales as stored, padded to multiples of 128 rows and 4 columns -> (rows, columns)."""
    row_blocks, column_blocks = -(-rows // 128), -(-columns // 4)
    blocks = stored.view(torch.uint8).reshape(row_blocks, column_blocks, 32, 4, 4)
    plain = blocks.permute(0, 3, 2, 1, 4).reshape(row_blocks * 128, column_blocks * 4)
    return plain[:rows, :columns].contiguous().view(stored.dtype)
