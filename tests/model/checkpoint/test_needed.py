"""The tables of needed tensors against the networks themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import MistralConfig, Qwen3Config

from brandpress.model.checkpoint.needed import TrunkSize, autoencoder_shapes, transformer_shapes, trunk_shapes
from brandpress.model.checkpoint.text import trunk_model
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.config import AutoencoderConfig, TransformerConfig
from brandpress.model.network.transformer import Transformer
from tests.model.layout import real_layout, shapes_of

TRANSFORMERS = [
    TransformerConfig(num_layers=1, num_single_layers=2, guidance_embeds=True),
    TransformerConfig(num_layers=2, num_single_layers=0, guidance_embeds=False, mlp_ratio=2.5, out_channels=7),
    TransformerConfig.from_dict(real_layout("klein-4b")[0]),
]
AUTOENCODERS: list[dict[str, Any]] = [
    {},
    {"decoder_block_out_channels": (32, 64, 96, 96)},
    {"mid_block_add_attention": False, "use_quant_conv": False, "use_post_quant_conv": False},
    {"layers_per_block": 1, "block_out_channels": (32, 64), "latent_channels": 4, "in_channels": 4},
]
LANGUAGE = {"hidden_size": 48, "intermediate_size": 80, "num_attention_heads": 4, "vocab_size": 99}


@pytest.mark.parametrize("config", TRANSFORMERS, ids=["dev", "other sizes", "klein-4b"])
def test_transformers(config: TransformerConfig) -> None:
    with torch.device("meta"):
        assert transformer_shapes(config) == shapes_of(Transformer(config))


@pytest.mark.parametrize("changes", AUTOENCODERS, ids=str)
def test_autoencoders(changes: dict[str, Any]) -> None:
    config = replace(AutoencoderConfig(), **changes)
    with torch.device("meta"):
        assert autoencoder_shapes(config) == shapes_of(Autoencoder(config))


@pytest.mark.parametrize(
    ("kind", "model_type", "changes"),
    [
        (Qwen3Config, "qwen3", {}),
        (Qwen3Config, "qwen3", {"num_key_value_heads": 2, "head_dim": 16, "attention_bias": True}),
        (Qwen3Config, "qwen3", {"intermediate_size": None}),
        (MistralConfig, "mistral", {}),
        (MistralConfig, "mistral", {"num_key_value_heads": 2, "head_dim": 16}),
    ],
)
def test_language_models(kind: Any, model_type: str, changes: dict[str, Any]) -> None:
    options = {key: value for key, value in (LANGUAGE | changes).items() if value is not None}
    for depth in (3, 32):
        model = trunk_model(kind(**options), depth, torch.device("cpu"))
        shapes = {name: shape for name, shape in shapes_of(model).items() if "inv_freq" not in name}
        assert ("norm.weight" in shapes) == (depth == 32), "below the full depth it has no effect"
        assert trunk_shapes(TrunkSize.of({"model_type": model_type, **options}), depth) == shapes
