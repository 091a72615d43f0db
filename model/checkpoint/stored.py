"""What a file's header says about its tensors: their formats, and their shapes after unpacking. No torch here."""

from __future__ import annotations

import json
from typing import Any

from brandpress.model.checkpoint.names import short_name
from brandpress.model.checkpoint.weights import SIDES, Weights
from brandpress.model.errors import CheckpointError

PLAIN = ("F64", "F32", "F16", "BF16", "I64")
FP8_DTYPES = ("F8_E4M3", "F8_E5M2")
READABLE = ("float8_e4m3fn", "float8_e5m2", "nvfp4")
GLOBAL_MARKER = "scaled_fp8"
MAX_MARKERS = 1 << 24
"""Characters of the metadata that mark quantised layers."""


class Stored:
    """The tensors of some weights with their storage formats."""

    def __init__(self, weights: Weights) -> None:
        """Raises CheckpointError for an invalid quantisation marker."""
        self.weights = weights
        self.markers = _metadata_markers(weights)
        self.full_precision = GLOBAL_MARKER in weights and weights.shape(GLOBAL_MARKER) == (2,)

    def names(self, tensor: str) -> set[str]:
        """The names in the file that belong to a tensor: its own, and those of its scales and marker."""
        layer, _, leaf = tensor.rpartition(".")
        sides = SIDES if leaf == "weight" else ()
        return {tensor, *(name for side in sides if (name := f"{layer}.{side}") in self.weights)}

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The tensor's shape after unpacking."""
        shape = self.weights.shape(tensor)
        return (*shape[:-1], shape[-1] * 2) if self.is_nvfp4(tensor) else shape

    def is_fp8(self, tensor: str) -> bool:
        """Whether a tensor is stored in fp8."""
        return self.weights.dtype(tensor) in FP8_DTYPES

    def is_nvfp4(self, name: str) -> bool:
        """Whether a tensor is stored in NVFP4, two values per byte."""
        layer = name.rpartition(".")[0]
        return self.weights.dtype(name) == "U8" and f"{layer}.weight_scale_2" in self.weights

    def check_format(self, name: str, format: object = None) -> None:
        """Raises CheckpointError if a tensor is stored in a format that isn't supported.

        format: as its marker tensor says; default: as the metadata say.
        """
        layer, dtype = name.rpartition(".")[0], self.weights.dtype(name)
        format = self.markers.get(layer, {}).get("format") if format is None else format
        if format is not None and format not in READABLE:
            raise CheckpointError(
                f"{self.weights.label}: {name} is stored as {format!r}; supported: {', '.join(READABLE)}, plain"
            )
        if f"{layer}.pre_quant_scale" in self.weights:
            raise CheckpointError(f"{self.weights.label}: {layer} has a pre_quant_scale (AWQ), which isn't supported")
        if dtype not in (*PLAIN, *FP8_DTYPES) and not self.is_nvfp4(name):
            raise CheckpointError(
                f"{self.weights.label}: {name} has dtype {dtype} and no scales; supported: bf16, f16, f32, fp8, nvfp4"
            )


def _metadata_markers(weights: Weights) -> dict[str, dict[str, Any]]:
    text = weights.metadata.get("_quantization_metadata")
    layers = parse_marker(text.encode(), weights.label).get("layers", {}) if text else {}
    if not isinstance(layers, dict):
        raise CheckpointError(f"{weights.label}: its _quantization_metadata has no mapping `layers`")
    return {
        short_name(layer, weights.part): marker if isinstance(marker, dict) else {"format": marker}
        for layer, marker in layers.items()
    }


def parse_marker(text: bytes, label: str) -> dict[str, Any]:
    """Returns a quantisation marker, which is a JSON object. Raises CheckpointError."""
    try:
        value = json.loads(text[:MAX_MARKERS])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{label}: a quantisation marker isn't valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{label}: a quantisation marker must be a JSON object, not a {type(value).__name__}")
    return value
