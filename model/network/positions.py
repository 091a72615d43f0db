"""Position ids of tokens, four axes (t, h, w, l). Source: diffusers 0.42.1 `pipeline_flux2_klein.py`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

REFERENCE_STEP = 10
"""Reference i has t = 10 * (i + 1). References are distinguished by nothing but their order."""


def text_ids(length: int) -> Tensor:
    """Ids of text tokens, (length, 4): (0, 0, 0, l)."""
    ids = torch.zeros(length, 4, dtype=torch.long)
    ids[:, 3] = torch.arange(length)
    return ids


def image_ids(height: int, width: int, t: int = 0) -> Tensor:
    """Ids of a grid of height x width tokens in row order, (height * width, 4): (t, h, w, 0)."""
    axes = (torch.tensor([t]), torch.arange(height), torch.arange(width), torch.zeros(1, dtype=torch.long))
    return torch.cartesian_prod(*axes)


def reference_ids(grids: Sequence[tuple[int, int]]) -> Tensor:
    """Ids of the tokens of several references, concatenated. grids: (height, width) of each in tokens."""
    parts = [image_ids(height, width, REFERENCE_STEP * (i + 1)) for i, (height, width) in enumerate(grids)]
    return torch.cat(parts) if parts else torch.zeros(0, 4, dtype=torch.long)
