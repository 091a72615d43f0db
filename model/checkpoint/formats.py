"""Reads a file's weights in the format that each layer is stored in: plain, fp8 (kept) or NVFP4 (dequantised).

Each layer's format is given by the file's metadata (`_quantization_metadata`), by a tensor `X.comfy_quant` beside the
weight, by the names of its scales (`weight_scale` in BFL's and new Comfy files, `scale_weight` in old Comfy files), or
only by the weight's dtype (a plain cast to fp8). Sources: BFL's fp8 and NVFP4 files; ComfyUI `convert_old_quants`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from brandpress.model.checkpoint import nvfp4
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.stored import FP8_DTYPES, Stored, parse_marker
from brandpress.model.checkpoint.weights import MARKER, SIDES
from brandpress.model.errors import CheckpointError
from brandpress.model.network.fp8 import Fp8Linear


class Formats(Stored):
    """The tensors of some weights with their storage formats, and how they are read."""

    def read(self, origin: Origin, dtype: torch.dtype) -> Tensor | Fp8Linear:
        """Reads a tensor: NVFP4 dequantised to `dtype`, an fp8 matrix as a layer that keeps it, other fp8 tensors as
        float32, anything else in its own dtype. Raises CheckpointError."""
        name, weights = origin.name, self.weights
        layer = name.rpartition(".")[0]
        self.check_format(name, self._marker(layer).get("format"))
        if self.is_fp8(name):
            return self._fp8(origin)
        if self.is_nvfp4(name):
            return _arrange(self._nvfp4(name, dtype), origin)
        return _swap(weights.read(name, origin.third), origin)

    def kept_in(self, dtype: torch.dtype) -> bool:
        """Whether no weight needs a conversion: all are stored in `dtype`, or in fp8."""
        name_of_dtype = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}[dtype]
        unconverted = (name_of_dtype, *FP8_DTYPES, "I64")
        return all(self.weights.dtype(name) in unconverted for name in self.weights if not name.endswith(SIDES))

    def _marker(self, layer: str) -> dict[str, Any]:
        if layer in self.markers:
            return self.markers[layer]
        name = f"{layer}.{MARKER}"
        return parse_marker(bytes(self.weights.read(name).tolist()), self.weights.label) if name in self.weights else {}

    def _fp8(self, origin: Origin) -> Tensor | Fp8Linear:
        layer = origin.name.rpartition(".")[0]
        weight = _swap(self.weights.read(origin.name, origin.third), origin)
        scale = self._side(layer, "weight_scale", "scale_weight")
        scale = torch.ones(()) if scale is None else scale.float()
        if scale.numel() == 1:
            scale = scale.reshape(())
        elif scale.numel() == self.weights.shape(origin.name)[0]:
            scale = _arrange(scale.reshape(-1, 1), origin)
        else:
            raise CheckpointError(
                f"{self.weights.label}: the scale of {origin.name} has {scale.numel()} values; expected one, or "
                "one per row"
            )
        if weight.ndim != 2:
            return weight.float() * (scale.reshape(-1, *[1] * (weight.ndim - 1)) if scale.ndim else scale)
        static = self._side(layer, "input_scale", "scale_input")
        static = None if static is None or static.numel() != 1 or float(static) == 1.0 else static.float().reshape(())
        full = self.full_precision or bool(self._marker(layer).get("full_precision_matrix_mult"))
        return Fp8Linear(weight, scale, static, fp8_product=not full)

    def _nvfp4(self, name: str, dtype: torch.dtype) -> Tensor:
        layer, packed = name.rpartition(".")[0], self.weights.read(name)
        scales, scale = self._side(layer, "weight_scale"), self._side(layer, "weight_scale_2")
        if scales is None or scale is None:
            raise CheckpointError(f"{self.weights.label}: {layer} has no weight_scale, which NVFP4 requires")
        block_scales = nvfp4.row_major(scales, packed.shape[0], packed.shape[1] * 2 // nvfp4.GROUP)
        return nvfp4.dequantise(packed, block_scales, scale.reshape(()), dtype)

    def _side(self, layer: str, *spellings: str) -> Tensor | None:
        for spelling in spellings:
            if f"{layer}.{spelling}" in self.weights:
                return self.weights.read(f"{layer}.{spelling}")
        return None


def _arrange(tensor: Tensor, origin: Origin) -> Tensor:
    part = tensor if origin.third is None else tensor.chunk(3)[origin.third]
    return _swap(part, origin)


def _swap(tensor: Tensor, origin: Origin) -> Tensor:
    return torch.cat(tensor.chunk(2)[::-1]) if origin.swapped else tensor
