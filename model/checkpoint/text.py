"""Loads a text encoder. Layers of the language model above the last one used aren't read from disk."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import torch

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.tokenizer import check_tokenizer
from brandpress.model.checkpoint.trunk import (
    check_layers,
    check_prompt_width,
    language_config,
    layers_of,
    table_size,
    trunk_prefix,
)
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import HEAD_SIZE, TextEncoderSize
from brandpress.model.network.chat import Conversation
from brandpress.model.network.text_encoder import MistralTextEncoder, Qwen3TextEncoder, Trunk
from brandpress.model.network.tokenising import tokenizer_errors


def load_text_encoder(
    description: ModelDescription, device: torch.device, dtype: torch.dtype
) -> Qwen3TextEncoder | MistralTextEncoder:
    """Loads [klein]'s Qwen3 or [dev]'s Mistral-3, by the config. Raises CheckpointError."""
    parts = _parts(description)
    weights = open_weights(parts.text_encoder, "text_encoder")
    prefix = trunk_prefix(weights)
    config = trunk_config(description)
    layers = description.text_layers or default_layers(config)
    depth: int = config.num_hidden_layers
    check_layers(layers, depth)
    model = trunk_model(config, max(layers), device)
    fill(model, Formats(weights), device, dtype, lambda name: Origin(prefix + name), partial=True)
    trunk = Trunk(model.eval(), layers, final_norm=max(layers) == depth)
    encoder = Qwen3TextEncoder if config.model_type == "qwen3" else MistralTextEncoder
    return encoder(trunk, load_tokenizer(parts.tokenizer), description.text_length)


def check_fit(description: ModelDescription) -> None:
    """Raises CheckpointError if the text encoder's embeddings don't have the width that the transformer takes."""
    config = trunk_config(description)
    layers = description.text_layers or default_layers(config)
    check_prompt_width(_parts(description), config.hidden_size, len(layers))


def load_tokenizer(folder: Path) -> Any:
    """Loads the tokenizer in a folder, without any code of the checkpoint. Raises CheckpointError.

    Its `apply_chat_template` takes one conversation and returns text, rendered within limits (see `chat_template`).
    """
    from transformers import AutoTokenizer

    check_tokenizer(folder)
    template = ChatTemplate(folder)
    with tokenizer_errors(folder, "the tokenizer can't be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def apply_chat_template(conversation: Conversation, tokenize: bool = False, **options: Any) -> str:
        (text,) = template.render([conversation], **options)
        return text

    tokenizer.apply_chat_template = apply_chat_template  # transformers' own has no limits
    return tokenizer


def default_layers(config: Any) -> tuple[int, ...]:
    """The layers that diffusers' pipelines use; for a shallower encoder, those at 1/4, 1/2 and 3/4 of its depth."""
    return layers_of(config.model_type == "qwen3", config.num_hidden_layers)


def trunk_config(description: ModelDescription) -> Any:
    """The language model's config: from its file, or from the family's table. Raises CheckpointError."""
    from transformers import MistralConfig, Qwen3Config

    parts = _parts(description)
    if parts.text_config is None:
        return table_config(table_size(description, parts))
    raw = language_config(parts.text_config)
    return (Qwen3Config if raw["model_type"] == "qwen3" else MistralConfig).from_dict(raw)


def table_config(size: TextEncoderSize) -> Any:
    """transformers' config for one of the family's text encoders."""
    from transformers import MistralConfig, Qwen3Config

    kind = Qwen3Config if size.kind == "qwen3" else MistralConfig
    return kind(
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.depth,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=HEAD_SIZE,
        vocab_size=size.vocabulary,
        rms_norm_eps=size.eps,
        max_position_embeddings=40_960,
        sliding_window=None,
        rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
    )


def trunk_model(config: Any, depth: int, device: torch.device) -> Any:
    """A trunk of `depth` layers on the meta device, except for the rotary embedding, whose table is computed.

    Below the full depth, the norm after the last layer has no effect and is left out.
    """
    from transformers import MistralModel, Qwen3Model

    whole = depth == config.num_hidden_layers
    config.num_hidden_layers = depth
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:depth]
    config._attn_implementation = "sdpa"  # only this one gives all of Mistral's left padding the same hidden states
    kind = Qwen3Model if config.model_type == "qwen3" else MistralModel
    with torch.device("meta"):
        model: Any = kind(config)
    if not whole:
        model.norm = torch.nn.Identity()
    rotary = type(model.rotary_emb)
    if "config" not in inspect.signature(rotary).parameters:
        raise CheckpointError(f"this version of transformers is not supported: {rotary.__name__} takes no config")
    model.rotary_emb = rotary(config=config).to(device)
    return model


def _parts(description: ModelDescription) -> Parts:
    if description.parts is None:
        raise CheckpointError(f"{description.name} is rendered by BFL and has no weights to load")
    return description.parts
