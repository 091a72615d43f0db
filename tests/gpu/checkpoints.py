"""Small random checkpoints of every kind, in diffusers' layout but written without diffusers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import Mistral3Config, MistralConfig, MistralModel, Qwen3Config, Qwen3Model

from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.model.tokenizers import WORDS, dev_tokenizer

KINDS = {
    "dev": ("Flux2Pipeline", {}),
    "klein": ("Flux2KleinPipeline", {"is_distilled": True}),
    "klein-base": ("Flux2KleinPipeline", {"is_distilled": False}),
    "klein-kv": ("Flux2KleinKVPipeline", {"is_distilled": True}),
}
TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "vocab_size": 1400,
    "num_hidden_layers": 4,
}
LAYERS, LENGTH, DEV_LENGTH = (1, 2, 3), 32, 128
CONFIG: dict[str, Any] = {
    "in_channels": 32,
    "num_layers": 2,
    "num_single_layers": 2,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "joint_attention_dim": 3 * 64,
    "axes_dims_rope": (8, 8, 8, 8),
}
AUTOENCODER = AutoencoderConfig(
    block_out_channels=(16, 32, 32, 32), layers_per_block=1, latent_channels=8, norm_num_groups=4
)


def save_checkpoint(kind: str, folder: Path, seed: int = 0) -> Path:
    """Saves a checkpoint whose weights are large enough for every part to affect the pixels. Returns the folder."""
    torch.manual_seed(seed)
    dev = kind == "dev"
    name, extra = KINDS[kind]
    write(folder / "model_index.json", index_of(name, dev) | extra)
    scheduler = {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True, "shift": 3.0}
    write(folder / "scheduler" / "scheduler_config.json", scheduler)
    config = TransformerConfig(**CONFIG, guidance_embeds=dev)
    write(
        folder / "transformer" / "config.json", {"_class_name": "Flux2Transformer2DModel"} | dataclasses.asdict(config)
    )
    transformer = Transformer(config)
    with torch.no_grad():
        for parameter in transformer.parameters():
            if parameter.ndim == 2:
                parameter.mul_(1.6)
    save(transformer, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    levels = len(AUTOENCODER.block_out_channels)
    vae = {"_class_name": "AutoencoderKLFlux2"} | dataclasses.asdict(AUTOENCODER)
    vae |= {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    write(folder / "vae" / "config.json", vae)
    autoencoder = Autoencoder(AUTOENCODER)
    with torch.no_grad():
        autoencoder.bn.get_buffer("running_mean").normal_(0, 0.1)
        autoencoder.bn.get_buffer("running_var").uniform_(0.5, 1.5)
        autoencoder.decoder.conv_out.weight.mul_(4.0)
    save(autoencoder, folder / "vae" / "diffusion_pytorch_model.safetensors")
    save_text(folder, dev)
    return folder


def index_of(name: str, dev: bool) -> dict[str, Any]:
    return {
        "_class_name": name,
        "_diffusers_version": "0.42.1",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Mistral3ForConditionalGeneration" if dev else "Qwen3ForCausalLM"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
        "text_encoder_out_layers": list(LAYERS),
        "max_sequence_length": DEV_LENGTH if dev else LENGTH,
    }


def save_text(folder: Path, dev: bool) -> None:
    """Saves the language model without its head, and its tokenizer."""
    if dev:
        model: Any = MistralModel(MistralConfig(**TEXT, sliding_window=None))
        config: Any = Mistral3Config(text_config=model.config)
        config.architectures, prefix = ["Mistral3ForConditionalGeneration"], "model.language_model."
    else:
        model = Qwen3Model(Qwen3Config(**TEXT))
        config, prefix = model.config, "model."
        config.architectures = ["Qwen3ForCausalLM"]
    config.save_pretrained(folder / "text_encoder")
    save(model, folder / "text_encoder" / "model.safetensors", prefix)
    (dev_tokenizer() if dev else train_tokenizer(WORDS)).save_pretrained(folder / "tokenizer")


def save(module: nn.Module, file: Path, prefix: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    state = {prefix + name: value.contiguous().clone() for name, value in module.state_dict().items()}
    save_file(state, file, {"format": "pt"})


def write(file: Path, value: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n")
