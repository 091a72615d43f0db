"""FLUX.2 models behind `Renderer` and `RenderRequest`. Knows nothing about campaigns.

`import brandpress.model` is cheap: torch and transformers are imported when `Renderer` is first used. The import sets
PYTORCH_ALLOC_CONF for torch's CUDA allocator, unless it (or PYTORCH_CUDA_ALLOC_CONF) is set already, and
CUDA_DEVICE_ORDER, unless it is set, so that CUDA numbers GPUs like nvidia-smi.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from brandpress.model.errors import BrandpressError, CheckpointError, RequestError
from brandpress.model.memory.allocator import set_allocator
from brandpress.model.request import Rendered, RenderRequest

if TYPE_CHECKING:
    from brandpress.model.renderer import Renderer

__all__ = ["BrandpressError", "CheckpointError", "RenderRequest", "Rendered", "Renderer", "RequestError"]

set_allocator(os.environ)
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


def __getattr__(name: str) -> Any:
    if name == "Renderer":
        from brandpress.model.renderer import Renderer

        return Renderer
    raise AttributeError(f"module 'brandpress.model' has no attribute {name!r}")
