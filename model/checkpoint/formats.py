"""Reads a file's weights in the format that each layer is stored in: plain, fp8 (kept) or NVFP4 (dequantised).

Each layer's format is given by the file's metadata (`_quantization_metadata`), by a tensor `X.comfy_quant` beside the
weight, by the names of its scales (`weight_scale` in BFL's and new Comfy files, `scale_weight` in old Comfy files), or
only by the weight's dtype (a plain cast to fp8). Sources: BFL's fp8 and NVFP4 files; ComfyUI `convert_old_quants`.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from brandpress.model.checkpoint import nvfp4
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.weights import COMFY_PREFIXES, MARKER, SIDES, Weights
from brandpress.model.errors import CheckpointError
from brandpress.model.network.fp8 import Fp8Linear

PLAIN = ("F64", "F32", "F16", "BF16", "I64")
FP8_DTYPES = ("F8_E4M3", "F8_E5M2")
READABLE = ("float8_e4m3fn", "float8_e5m2", "nvfp4")
GLOBAL_MARKER = "scaled_fp8"


class Formats:
    """The tensors of some weights with their storage formats."""

    def __init__(self, weights: Weights) -> None:
        """Raises CheckpointError for an invalid quantisation marker."""
        self.weights = weights
        self._markers = _metadata_markers(weights)
        self._full_precision = GLOBAL_MARKER in weights and weights.shape(GLOBAL_MARKER) == (2,)

    def names(self, tensor: str) -> set[str]:
        """The names in the file that belong to a tensor: its own, and those of its scales and marker."""
        layer, _, leaf = tensor.rpartition(".")
        sides = SIDES if leaf == "weight" else ()
        return {tensor, *(name for side in sides if (name := f"{layer}.{side}") in self.weights)}

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The tensor's shape after unpacking."""
        shape = self.weights.shape(tensor)
        return (*shape[:-1], shape[-1] * 2) if self._is_nvfp4(tensor) else shape

    def read(self, origin: Origin, dtype: torch.dtype) -> Tensor | Fp8Linear:
        """Reads a tensor: NVFP4 dequantised to `dtype`, fp8 as a layer that keeps it, anything else in its own dtype.
        Raises CheckpointError."""
        name, weights = origin.name, self.weights
        self._check(name)
        if self.is_fp8(name):
            return self._fp8(origin)
        if self._is_nvfp4(name):
            return _arrange(self._nvfp4(name, dtype), origin)
        return _swap(weights.read(name, origin.third), origin)

    def kept_in(self, dtype: torch.dtype) -> bool:
        """Whether no weight needs a conversion: all are stored in `dtype`, or in fp8."""
        name_of_dtype = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}[dtype]
        unconverted = (name_of_dtype, *FP8_DTYPES, "I64")
        return all(self.weights.dtype(name) in unconverted for name in self.weights if not name.endswith(SIDES))

    def is_fp8(self, tensor: str) -> bool:
        """Whether a tensor is stored in fp8."""
        return self.weights.dtype(tensor) in FP8_DTYPES

    def _check(self, name: str) -> None:
        layer, dtype = name.rpartition(".")[0], self.weights.dtype(name)
        format = self._marker(layer).get("format")
        if format is not None and format not in READABLE:
            raise CheckpointError(
                f"{self.weights.label}: {name} is stored as {format!r}; supported: {', '.join(READABLE)}, plain"
            )
        if f"{layer}.pre_quant_scale" in self.weights:
            raise CheckpointError(f"{self.weights.label}: {layer} has a pre_quant_scale (AWQ), which isn't supported")
        if dtype not in (*PLAIN, *FP8_DTYPES) and not self._is_nvfp4(name):
            raise CheckpointError(
                f"{self.weights.label}: {name} has dtype {dtype} and no scales; supported: bf16, f16, f32, fp8, nvfp4"
            )

    def _marker(self, layer: str) -> dict[str, Any]:
        if layer in self._markers:
            return self._markers[layer]
        name = f"{layer}.{MARKER}"
        return _parse(bytes(self.weights.read(name).tolist()), self.weights.label) if name in self.weights else {}

    def _is_nvfp4(self, name: str) -> bool:
        layer = name.rpartition(".")[0]
        return self.weights.dtype(name) == "U8" and f"{layer}.weight_scale_2" in self.weights

    def _fp8(self, origin: Origin) -> Fp8Linear:
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
        static = self._side(layer, "input_scale", "scale_input")
        static = None if static is None or static.numel() != 1 or float(static) == 1.0 else static.float().reshape(())
        full = self._full_precision or bool(self._marker(layer).get("full_precision_matrix_mult"))
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


def _metadata_markers(weights: Weights) -> dict[str, dict[str, Any]]:
    text = weights.metadata.get("_quantization_metadata")
    layers = _parse(text.encode(), weights.label).get("layers", {}) if text else {}
    if not isinstance(layers, dict):
        raise CheckpointError(f"{weights.label}: its _quantization_metadata has no mapping `layers`")
    markers: dict[str, dict[str, Any]] = {}
    for layer, marker in layers.items():
        for prefix in COMFY_PREFIXES:
            layer = layer.removeprefix(prefix)
        markers[layer] = marker if isinstance(marker, dict) else {"format": marker}
    return markers


def _parse(text: bytes, label: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise CheckpointError(f"{label}: a quantisation marker isn't valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{label}: a quantisation marker must be a JSON object, not a {type(value).__name__}")
    return value


def _arrange(tensor: Tensor, origin: Origin) -> Tensor:
    part = tensor if origin.third is None else tensor.chunk(3)[origin.third]
    return _swap(part, origin)


def _swap(tensor: Tensor, origin: Origin) -> Tensor:
    return torch.cat(tensor.chunk(2)[::-1]) if origin.swapped else tensor
