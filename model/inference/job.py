"""A request in progress."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from brandpress.model.inference.caches import ReferenceLatents
from brandpress.model.inference.clock import Clock
from brandpress.model.request import RenderRequest


@dataclass
class Job:
    """A request in progress.

    output: latents (1, C, h, w) after denoising, levels (H, W, 3) after decoding. value_range: of the latents and of
    the decoded picture.
    """

    request: RenderRequest
    clock: Clock
    prompt: str = ""
    references: tuple[ReferenceLatents, ...] = ()
    cache: dict[str, int] = field(default_factory=dict)
    output: Tensor = field(default_factory=lambda: torch.empty(0))
    value_range: Tensor = field(default_factory=lambda: torch.empty(0))
