"""Weights on disk -> a module on the meta device, one tensor at a time, each straight to its place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.formats import GLOBAL_MARKER, Formats
from brandpress.model.checkpoint.weights import listing
from brandpress.model.errors import CheckpointError
from brandpress.model.network.fp8 import Fp8Linear, quantise

OPTIONAL = ("bn.num_batches_tracked",)
STATISTICS = ("running_mean", "running_var")
"""Stay in float32 whatever is computed in: latents are scaled by them."""


def fill(
    module: nn.Module,
    formats: Formats,
    device: torch.device,
    dtype: torch.dtype,
    origin: Callable[[str], Origin] = Origin,
    *,
    to_fp8: Callable[[str], bool] = lambda name: False,
    partial: bool = False,
) -> None:
    """Give every parameter and stored buffer of a module on the meta device its tensor.

    origin: where a tensor of the module stands in the file. Floating-point tensors become `dtype`; linear layers that
    the file holds in fp8 stay so, and those that `to_fp8` says become so. With `partial`, tensors of the file that the
    module lacks are passed over unread; else they are an error, as missing ones and wrong shapes always are.
    """
    weights, used, missing = formats.weights, {GLOBAL_MARKER}, []
    # What needs no conversion may stay where the file is mapped. But a mapping goes as a whole: where most of it is
    # converted, the rest is copied, or the file's pages would count beside what was made of them.
    copies = not formats.kept_in(dtype) or any(to_fp8(name) for name in module.state_dict())
    for name, wanted in module.state_dict().items():
        source = origin(name)
        if source.name not in weights:
            if name not in OPTIONAL:
                missing.append(source.name)
                continue
            place(module, name, torch.zeros(wanted.shape, dtype=wanted.dtype, device=device))
            continue
        used |= formats.names(source.name)
        _check_shape(formats, source, wanted)
        _put(module, name, formats.read(source, dtype), wanted, device, dtype, to_fp8(name), copies)
    weights.close()
    if missing:
        raise CheckpointError(f"{weights.label}: {len(missing)} tensors are missing: {listing(sorted(missing))}")
    unknown = sorted(name for name in weights if name not in used)
    if unknown and not partial:
        raise CheckpointError(f"{weights.label}: {len(unknown)} tensors belong to another model: {listing(unknown)}")


def _check_shape(formats: Formats, source: Origin, wanted: Tensor) -> None:
    shape, parts = formats.shape(source.name), 1 if source.third is None else 3
    asked = (wanted.shape[0] * parts, *wanted.shape[1:]) if wanted.ndim else ()
    if shape != asked and shape != (*asked, 1, 1):  # BFL has 1x1 convolutions where we have linear layers
        file = formats.weights.file(source.name)
        raise CheckpointError(f"{file}: {source.name} is {shape}; its config asks for {asked}")


def _put(
    module: nn.Module,
    name: str,
    stored: Tensor | Fp8Linear,
    wanted: Tensor,
    device: torch.device,
    dtype: torch.dtype,
    to_fp8: bool,
    copies: bool,
) -> None:
    path, _, leaf = name.rpartition(".")
    linear = leaf == "weight" and isinstance(module.get_submodule(path), nn.Linear)
    if isinstance(stored, Fp8Linear) and linear:
        module.set_submodule(path, stored.to(device))
        return
    tensor = stored.dequantised(torch.float32) if isinstance(stored, Fp8Linear) else stored
    if to_fp8 and linear:
        module.set_submodule(path, Fp8Linear(*quantise(tensor.to(device))))
        return
    tensor = tensor.reshape(wanted.shape)
    kept = torch.float32 if leaf in STATISTICS else dtype
    place(module, name, tensor.to(device, kept if tensor.is_floating_point() else None, copy=copies))


def place(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Set a parameter or buffer by its dotted name."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._buffers:
        owner._buffers[leaf] = tensor
    else:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)
