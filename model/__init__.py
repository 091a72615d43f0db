"""FLUX.2: the model behind `Renderer` and `RenderRequest`. Knows nothing of campaigns.

`import model` is cheap: torch and transformers are loaded when `Renderer` is first touched. It sets how torch allocates
on a GPU, unless PYTORCH_ALLOC_CONF (or PYTORCH_CUDA_ALLOC_CONF) says so already.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from model.allocator import set_allocator
from model.errors import BrandpressError, CheckpointError, RequestError
from model.request import Rendered, RenderRequest

if TYPE_CHECKING:
    from model.renderer import Renderer

__all__ = ["BrandpressError", "CheckpointError", "RenderRequest", "Rendered", "Renderer", "RequestError"]

set_allocator(os.environ)


def __getattr__(name: str) -> Any:
    if name == "Renderer":
        from model.renderer import Renderer

        return Renderer
    raise AttributeError(f"module 'model' has no attribute {name!r}")
