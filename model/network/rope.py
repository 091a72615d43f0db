"""Rotary position embeddings over several position axes.

Source: black-forest-labs/flux2 `model.py`, diffusers 0.42.1 `transformer_flux2.py`. Legend: B batch, S tokens, H heads,
K head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Rope(NamedTuple):
    """Cosines and sines of each token's rotations, (S, K) each, in float32. The two elements of a pair share an angle.

    The sine of a pair's first element is stored negated, so that a rotation is one swap and two products.
    """

    cos: Tensor
    sin: Tensor

    def apply(self, x_BHSK: Tensor) -> Tensor:
        """Rotate the pairs (2j, 2j+1) of the last dimension. Computes in float32, returns x's dtype."""
        x = x_BHSK.to(self.cos.dtype)
        swapped = torch.unflatten(x, -1, (-1, 2)).flip(-1).flatten(-2)
        return (x * self.cos + swapped * self.sin).to(x_BHSK.dtype)

    def freqs_cis(self) -> Tensor:
        """Returns (S, K/2) complex64: cos + i sin, the factor for each pair read as a complex number."""
        return torch.complex(self.cos[:, ::2].contiguous(), self.sin[:, 1::2].contiguous())


def rope_table(ids: Tensor, axes: Sequence[int], theta: float) -> Rope:
    """Returns the rotations for position ids (S, len(axes)). axes: how many of the K channels each axis has.

    Angles are computed in float64, as in diffusers.
    """
    cos, sin = [], []
    for axis, size in enumerate(axes):
        exponents = torch.arange(0, size, 2, dtype=torch.float64, device=ids.device) / size
        angles = torch.outer(ids[:, axis].to(torch.float64), 1.0 / theta**exponents)
        cos.append(angles.cos().repeat_interleave(2, dim=1).float())
        sin.append(torch.stack((-angles.sin(), angles.sin()), dim=2).flatten(1).float())
    return Rope(torch.cat(cos, dim=1), torch.cat(sin, dim=1))
