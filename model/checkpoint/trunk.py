"""The trunk of a text encoder, a language model without its head: its config, its sizes and its tensors' prefix.

No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.identify import describe_contents, widths_of
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.needed import TrunkSize
from brandpress.model.checkpoint.weights import Weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, HEAD_SIZE, MISTRAL, QWEN3_4B, TextEncoderSize
from brandpress.model.network.config import shown

PREFIXES = ("model.language_model.", "language_model.model.", "model.", "")
"""Prefixes of the trunk's tensors: transformers 5, older transformers, a plain language model, Comfy's files."""
EMBEDDING = "embed_tokens.weight"
_LIMITS = {
    "vocab_size": 1 << 21,
    "hidden_size": 1 << 16,
    "intermediate_size": 1 << 18,
    "num_hidden_layers": 512,
    "num_attention_heads": 1024,
    "num_key_value_heads": 1024,
    "head_dim": 4096,
    "max_position_embeddings": 1 << 24,
}


def trunk_prefix(weights: Weights) -> str:
    """Returns the prefix of a language model's tensors. Raises CheckpointError if they are another model's."""
    for prefix in PREFIXES:
        if prefix + EMBEDDING in weights:
            return prefix
    raise CheckpointError(
        f"{weights.label}: {describe_contents(weights)}; expected a text encoder (Qwen3 or Mistral-3)"
    )


def layers_of(qwen: bool, depth: int) -> tuple[int, ...]:
    """Returns the layers that diffusers' pipelines use; for a shallower encoder, those at 1/4, 1/2 and 3/4."""
    layers = (QWEN3_4B if qwen else MISTRAL).layers
    return layers if depth >= max(layers) else tuple(depth * quarter // 4 for quarter in (1, 2, 3))


def language_config(file: Path) -> dict[str, Any]:
    """Returns the language model's config in a text encoder's config.json. Raises CheckpointError for another model,
    and for sizes out of range."""
    config = read_json(file)
    if config.get("model_type") == "mistral3" and isinstance(config.get("text_config"), dict):
        config = config["text_config"]
    if config.get("model_type") not in ("qwen3", "mistral"):
        raise CheckpointError(
            f"{file}: model_type: expected 'qwen3' (FLUX.2 [klein]) or 'mistral3' ([dev]), got "
            f"{shown(config.get('model_type'))}"
        )
    for key, maximum in _LIMITS.items():
        value = config.get(key)
        if value is not None and (type(value) is not int or not 0 < value <= maximum):
            raise CheckpointError(
                f"{file}: {key}: expected a whole number above 0, at most {maximum:,}, got {shown(value)}"
            )
    return config


def trunk_size(description: ModelDescription, parts: Parts) -> tuple[TrunkSize, bool]:
    """Returns the sizes of the language model, and whether it is Qwen3. Raises CheckpointError."""
    if parts.text_config is not None:
        config: Mapping[str, Any] = language_config(parts.text_config)
        return TrunkSize.of(config), config["model_type"] == "qwen3"
    table = table_size(description, parts)
    qwen = table.kind == "qwen3"
    size = TrunkSize(
        table.width, table.inner, table.depth, table.heads, table.kv_heads, HEAD_SIZE, table.vocabulary, qk_norm=qwen
    )
    return size, qwen


def table_size(description: ModelDescription, parts: Parts) -> TextEncoderSize:
    """Returns the sizes of the family's text encoder, for one without a config.json. Raises CheckpointError."""
    family = FAMILIES.get(description.family)
    if family is None or family.text_encoder is None:
        raise CheckpointError(
            f"{parts.text_encoder}: no config.json beside it, and the text encoder of {description.family!r} is "
            "unknown; set text_encoder to a folder with a config.json"
        )
    return family.text_encoder


def is_mistral(description: ModelDescription, parts: Parts) -> bool:
    """Whether the text encoder takes Mistral's conversations: by its config.json, or without one by the family. Others
    take Qwen3's. Raises CheckpointError only for a config.json that can't be read."""
    if parts.text_config is not None:
        return "mistral" in str(read_json(parts.text_config).get("model_type"))
    family = FAMILIES.get(description.family)
    return family is not None and family.text_encoder is not None and family.text_encoder.kind == "mistral3"


def check_layers(layers: Sequence[int], depth: int) -> None:
    """Raises CheckpointError if the text encoder, which has `depth` layers, lacks one of these."""
    if min(layers) < 1 or max(layers) > depth:
        raise CheckpointError(f"text_encoder_out_layers {list(layers)}: the text encoder has layers 1 to {depth}")


def check_prompt_width(parts: Parts, hidden_size: int, layers: int) -> None:
    """Raises CheckpointError if `layers` layers of the text encoder aren't as wide as the transformer's prompts."""
    width, expected = hidden_size * layers, widths_of(parts.transformer)[0]
    if expected is not None and width != expected:
        raise CheckpointError(
            f"{parts.transformer} takes prompts of width {expected}, but {parts.text_encoder} returns {layers} x "
            f"{hidden_size} = {width}; they belong to different models"
        )
