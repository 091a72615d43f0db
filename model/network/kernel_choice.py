"""Which kernels a device uses."""

from __future__ import annotations

from functools import cache

import torch

from brandpress.model.network.compiled_kernels import compiled_kernels, compiler_works
from brandpress.model.network.kernels import EAGER, Kernels


def kernels_for(device: torch.device, *, compile: bool | None = None) -> Kernels:
    """Returns the kernels for a device: Triton on a GPU, torch's own functions on a CPU.

    compile: True uses torch.compile on a CPU; False uses torch's own functions everywhere. Falls back to torch's own
    functions without a working compiler.
    """
    if compile is False or (compile is None and device.type != "cuda"):
        return EAGER
    if device.type == "cuda":
        return triton_kernels(device) or EAGER
    return compiled_kernels() if compiler_works(device) else EAGER


@cache
def triton_kernels(device: torch.device) -> Kernels | None:
    """Returns the Triton kernels, or None if they fail on this device. They need Triton and a C compiler."""
    try:
        from brandpress.model.network.fused import FUSED

        x = torch.zeros(1, 8, device=device)
        with torch.cuda.device(device):
            FUSED.add_gated(x, x, x[0])
    except Exception:  # Triton and torch have no common class for their errors
        return None
    return FUSED
