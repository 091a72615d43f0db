"""Loads weights from disk into a module on the meta device, one tensor at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.conform import check_tensors
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.weights import STATISTICS
from brandpress.model.network.fp8 import Fp8Linear, quantise


def fill(
    module: nn.Module,
    formats: Formats,
    device: torch.device,
    dtype: torch.dtype,
    origin: Callable[[str], Origin] = Origin,
    *,
    to_fp8: Callable[[str], bool] = lambda name: False,
    fp8_products: Callable[[str], bool] = lambda name: False,
    partial: bool = False,
) -> None:
    """Loads every parameter and persistent buffer of a module on the meta device.

    origin: maps a tensor's name to where the file stores it. Floating-point tensors are converted to `dtype`; linear
    layers without a bias that are stored in fp8 stay in fp8, and those for which `to_fp8` is true are quantised.
    fp8_products: the layers stored in fp8 whose products may run in fp8, too. partial: ignore tensors of the file that
    the module lacks. Raises CheckpointError for such tensors without `partial`, for missing tensors and for wrong
    shapes.
    """
    weights, state = formats.weights, module.state_dict()
    check_tensors({name: tuple(target.shape) for name, target in state.items()}, formats, origin, partial=partial)
    # Tensors that need no conversion can stay memory-mapped. But a mapping is released only as a whole: if any tensor
    # is converted, the others are copied; otherwise the file's pages would stay in memory beside the converted ones.
    copy = not formats.kept_in(dtype) or any(to_fp8(name) for name in state)
    for name, target in state.items():
        source = origin(name)
        if source.name not in weights:  # one of OPTIONAL
            place(module, name, torch.zeros(target.shape, dtype=target.dtype, device=device))
            continue
        stored = formats.read(source, dtype)
        if isinstance(stored, Fp8Linear):
            stored.fp8_product = stored.fp8_product and fp8_products(name)
        _put(module, name, stored, target, device, dtype, to_fp8=to_fp8(name), copy=copy)
    weights.close()


def _put(
    module: nn.Module,
    name: str,
    stored: Tensor | Fp8Linear,
    target: Tensor,
    device: torch.device,
    dtype: torch.dtype,
    *,
    to_fp8: bool,
    copy: bool,
) -> None:
    path, _, leaf = name.rpartition(".")
    layer = module.get_submodule(path)
    linear = leaf == "weight" and isinstance(layer, nn.Linear) and layer.bias is None  # as Fp8Linear has no bias
    if isinstance(stored, Fp8Linear) and linear:
        module.set_submodule(path, stored.to(device))
        return
    tensor = stored.dequantised(torch.float32) if isinstance(stored, Fp8Linear) else stored
    if to_fp8 and linear:
        module.set_submodule(path, Fp8Linear(*quantise(tensor.to(device))))
        return
    tensor = tensor.reshape(target.shape)
    target_dtype = torch.float32 if leaf in STATISTICS else dtype
    place(module, name, tensor.to(device, target_dtype if tensor.is_floating_point() else None, copy=copy))


def place(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Set a parameter or buffer by its dotted name."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if leaf in owner._buffers:
        owner._buffers[leaf] = tensor
    else:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)
