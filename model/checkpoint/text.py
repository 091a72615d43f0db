"""A text encoder's files -> the encoder. Of the language model, nothing above the last layer used is read from disk."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.identify import what_it_is, widths_of
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.weights import Weights, open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, TextEncoderSize
from brandpress.model.network.text_encoder import MistralTextEncoder, Qwen3TextEncoder, Trunk

KLEIN_LAYERS = (9, 18, 27)
DEV_LAYERS = (10, 20, 30)
EMBEDDING = "embed_tokens.weight"
PREFIXES = ("model.language_model.", "language_model.model.", "model.", "")
"""Before the trunk's names: of transformers 5, of its older files, of a plain language model and Comfy's files."""


def load_text_encoder(
    description: ModelDescription, device: torch.device, dtype: torch.dtype
) -> Qwen3TextEncoder | MistralTextEncoder:
    """klein's Qwen3 or dev's Mistral-3, as the config says. Raises CheckpointError."""
    parts = _parts(description)
    weights = open_weights(parts.text_encoder)
    prefix = _prefix(weights)
    config = trunk_config(description)
    layers = description.text_layers or default_layers(config)
    depth: int = config.num_hidden_layers
    if min(layers) < 1 or max(layers) > depth:
        raise CheckpointError(f"text_encoder_out_layers {list(layers)}: the text encoder has layers 1 to {depth}")
    model = trunk_model(config, max(layers), device)
    fill(model, Formats(weights), device, dtype, lambda name: Origin(prefix + name), partial=True)
    trunk = Trunk(model.eval(), layers, final_norm=max(layers) == depth)
    encoder = Qwen3TextEncoder if config.model_type == "qwen3" else MistralTextEncoder
    return encoder(trunk, load_tokenizer(parts.tokenizer), description.text_length)


def check_fit(description: ModelDescription) -> None:
    """Raises CheckpointError if the text encoder's embeddings aren't as wide as the transformer takes them."""
    parts = _parts(description)
    config = trunk_config(description)
    layers = description.text_layers or default_layers(config)
    given, taken = config.hidden_size * len(layers), widths_of(parts.transformer)[0]
    if taken is not None and given != taken:
        raise CheckpointError(
            f"{parts.transformer} takes prompts of width {taken}, and {parts.text_encoder} gives {len(layers)} x "
            f"{config.hidden_size} = {given}: they belong to different models"
        )


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer that a folder's files make. Raises CheckpointError."""
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise CheckpointError(f"{folder} is missing; the tokenizer is looked for there")
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{folder}: the tokenizer can't be loaded: {reason}") from error


def default_layers(config: Any) -> tuple[int, ...]:
    """The layers that diffusers' pipelines take; of a shallower encoder the same points of its depth."""
    wanted = KLEIN_LAYERS if config.model_type == "qwen3" else DEV_LAYERS
    depth: int = config.num_hidden_layers
    return wanted if depth >= max(wanted) else tuple(depth * quarter // 4 for quarter in (1, 2, 3))


def trunk_config(description: ModelDescription) -> Any:
    """The language model's config: from its file, else from the family's table. Raises CheckpointError."""
    from transformers import MistralConfig, Qwen3Config

    parts = _parts(description)
    if parts.text_config is None:
        family = FAMILIES.get(description.family)
        if family is None or family.text_encoder is None:
            raise CheckpointError(
                f"{parts.text_encoder}: there is no config.json beside it, and {description.family!r} is no family "
                "whose text encoder is known; name the text encoder's folder"
            )
        return table_config(family.text_encoder)
    raw = read_json(parts.text_config)
    if raw.get("model_type") == "mistral3" and isinstance(raw.get("text_config"), dict):
        raw = raw["text_config"]
    kind = raw.get("model_type")
    if kind == "qwen3":
        return Qwen3Config.from_dict(raw)
    if kind == "mistral":
        return MistralConfig.from_dict(raw)
    raise CheckpointError(
        f"{parts.text_config}: model_type is {kind!r}; FLUX.2 [klein] has 'qwen3' here, [dev] 'mistral3'"
    )


def table_config(size: TextEncoderSize) -> Any:
    """transformers' config of a text encoder of the family."""
    from transformers import MistralConfig, Qwen3Config

    kind = Qwen3Config if size.kind == "qwen3" else MistralConfig
    return kind(
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=128,
        vocab_size=size.vocabulary,
        rms_norm_eps=size.eps,
        max_position_embeddings=40_960,
        sliding_window=None,
        rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
    )


def trunk_model(config: Any, depth: int, device: torch.device) -> Any:
    """A trunk of `depth` layers on the meta device; its table of positions is computed, not stored."""
    from transformers import MistralModel, Qwen3Model

    config.num_hidden_layers = depth
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:depth]
    config._attn_implementation = "sdpa"  # the one under which all of Mistral's left padding has the same row
    kind = Qwen3Model if config.model_type == "qwen3" else MistralModel
    with torch.device("meta"):
        model: Any = kind(config)
    rotary = type(model.rotary_emb)
    if "config" not in inspect.signature(rotary).parameters:
        raise CheckpointError(f"this version of transformers builds {rotary.__name__} in a way that isn't known")
    model.rotary_emb = rotary(config=config).to(device)
    return model


def _prefix(weights: Weights) -> str:
    for prefix in PREFIXES:
        if prefix + EMBEDDING in weights:
            return prefix
    raise CheckpointError(f"{weights.label}: {what_it_is(weights)}; a text encoder (Qwen3, Mistral-3) is needed here")


def _parts(description: ModelDescription) -> Parts:
    if description.parts is None:
        raise CheckpointError(f"{description.name} is rendered by BFL: it has no weights to load")
    return description.parts
