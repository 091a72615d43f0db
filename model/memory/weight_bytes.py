"""How many bytes a model's weights take once they are loaded, from the headers of its files. No torch here."""

from __future__ import annotations

import math
import re

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.header import read_header
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.stored import FP8_DTYPES
from brandpress.model.checkpoint.weights import SIDES, STATISTICS, Weights, open_weights
from brandpress.model.family import FAMILIES

FLOATS = ("F64", "F32", "F16", "BF16")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_LAST_NORM = re.compile(r"(?:^|\.)norm\.weight$")
_NOT_TRUNK = re.compile(r"(?:^|\.)(lm_head|vision_tower|multi_modal_projector|visual)\.")
_BLOCK_LINEAR = re.compile(r"(?:double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\..*\.weight")


def weight_bytes(weights: Weights, item_bytes: int, *, quantised: bool = False) -> int:
    """Returns the bytes of all tensors. item_bytes: of the dtype. quantised: the blocks' linear layers are in fp8."""
    return sum(_tensor_bytes(weights, name, item_bytes, quantised) for name in weights)


def transformer_bytes(model: ModelDescription, parts: Parts, item_bytes: int) -> int:
    """Returns the bytes of the transformer's tensors, and of LoRAs beside fp8 layers; plain weights absorb LoRAs."""
    weights, quantised = open_weights(parts.transformer), model.choice.quantise == "fp8"
    in_fp8 = quantised or any(weights.dtype(name) in FP8_DTYPES for name in weights)
    loras = (read_header(file).shapes.values() for file, _ in parts.loras if in_fp8)
    beside = sum(math.prod(shape) for shapes in loras for shape in shapes if len(shape) > 1)
    return weight_bytes(weights, item_bytes, quantised=quantised) + item_bytes * beside


def text_encoder_bytes(model: ModelDescription, parts: Parts, item_bytes: int) -> int:
    """Returns the bytes of the text encoder's tensors that are loaded: no head, no layers above the last one used, and
    the last norm only if all layers are used."""
    weights = open_weights(parts.text_encoder, "text_encoder")
    last = max(model.text_layers or _family_layers(model, parts))
    trunk = [name for name in weights if not _NOT_TRUNK.search(name)]
    layers = {name: int(layer[1]) for name in trunk if (layer := _LAYER.search(name))}
    used = [name for name in trunk if layers.get(name, 0) < last]
    if last <= max(layers.values(), default=0):
        used = [name for name in used if not _LAST_NORM.search(name)]
    return sum(_tensor_bytes(weights, name, item_bytes) for name in used)


def transformer_width(transformer: Weights) -> int:
    """Returns the width of the hidden states; 0 if the tensor that shows it is missing."""
    for name in ("img_in.weight", "x_embedder.weight"):
        if name in transformer:
            return transformer.shape(name)[0]
    return 0


def block_count(transformer: Weights) -> int:
    """Returns the number of blocks, of both kinds together."""
    return len({".".join(name.split(".")[:2]) for name in transformer if "blocks." in name})


def _tensor_bytes(weights: Weights, name: str, item_bytes: int, quantised: bool = False) -> int:
    if name.endswith(SIDES):
        return 0
    count, dtype = math.prod(weights.shape(name)), weights.dtype(name)
    if dtype == "U8" and name.endswith(".weight"):
        count, dtype = 2 * count, "BF16"  # NVFP4 is expanded to dense weights
    if dtype not in FLOATS:
        return count if dtype.startswith("F8") and name.endswith(".weight") else 0
    if name.endswith(STATISTICS):
        return 4 * count
    in_fp8 = quantised and len(weights.shape(name)) == 2 and _BLOCK_LINEAR.fullmatch(name)
    return count if in_fp8 else count * item_bytes


def _family_layers(model: ModelDescription, parts: Parts) -> tuple[int, ...]:
    family = FAMILIES.get(model.family)
    if family is not None and family.text_encoder is not None:
        return family.text_encoder.layers
    config = read_json(parts.text_config) if parts.text_config else {}
    depth = config.get("text_config", config).get("num_hidden_layers", 0)
    return (max(1, depth * 3 // 4),)
