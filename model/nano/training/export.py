"""Exports nano as a folder in diffusers' layout, with bfloat16 weights and nano's settings in model_index.json."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import split_torch_state_dict_into_shards
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import Qwen3Config

from brandpress.model.nano.architecture import (
    AUTOENCODER,
    BASE_PIXELS,
    QWEN3,
    REFERENCE_PIXELS,
    TEXT_LAYERS,
    TEXT_LENGTH,
    TRANSFORMER,
)
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder

MAX_FILE_BYTES = 15_000_000
"""Limit of a file of weights, so that hosts with a limit on file sizes take them."""
INDEX = {
    "_class_name": "Flux2KleinKVPipeline",
    "_diffusers_version": "0.42.1",
    "is_distilled": True,
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "Qwen3ForCausalLM"],
    "tokenizer": ["transformers", "Qwen2TokenizerFast"],
    "transformer": ["diffusers", "Flux2Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLFlux2"],
    "text_encoder_out_layers": list(TEXT_LAYERS),
    "max_sequence_length": TEXT_LENGTH,
    "reference_pixels": REFERENCE_PIXELS,
    "base_pixels": BASE_PIXELS,
}
SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": True,
    "time_shift_type": "exponential",
    "shift": 3.0,
}


def export(model: Nano, autoencoder: Autoencoder, tokenizer: Any, folder: Path) -> None:
    """Write the checkpoint to `folder`, which is created if missing."""
    write_json(folder / "model_index.json", INDEX)
    write_json(folder / "scheduler" / "scheduler_config.json", SCHEDULER)
    transformer = {"_class_name": "Flux2Transformer2DModel", **dataclasses.asdict(TRANSFORMER)}
    write_json(folder / "transformer" / "config.json", transformer)
    levels = len(AUTOENCODER.block_out_channels)
    vae = {
        "_class_name": "AutoencoderKLFlux2",
        **dataclasses.asdict(AUTOENCODER),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "sample_size": 256,
    }
    write_json(folder / "vae" / "config.json", vae)
    config = Qwen3Config(**QWEN3, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id)
    config.architectures = ["Qwen3ForCausalLM"]
    config.save_pretrained(folder / "text_encoder")
    tokenizer.backend_tokenizer.no_padding()  # training leaves its own padding and truncation set
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.save_pretrained(folder / "tokenizer")
    save_weights(model.transformer, folder / "transformer", "diffusion_pytorch_model")
    save_weights(autoencoder, folder / "vae", "diffusion_pytorch_model")
    save_weights(model.text_encoder, folder / "text_encoder", "model", prefix="model.")


def save_weights(module: nn.Module, folder: Path, name: str, prefix: str = "") -> None:
    """Write a module's weights as bfloat16, with `prefix` before each tensor's name.

    They are in one file, or in files of at most MAX_FILE_BYTES with an index, as diffusers and transformers name them.
    """
    for old in folder.glob(f"{name}*.safetensors*"):
        old.unlink()
    tensors = {prefix + key: as_stored(value) for key, value in module.state_dict().items()}
    split = split_torch_state_dict_into_shards(
        tensors, filename_pattern=f"{name}{{suffix}}.safetensors", max_shard_size=MAX_FILE_BYTES
    )
    for file, keys in split.filename_to_tensors.items():
        save_file({key: tensors[key] for key in keys}, folder / file, {"format": "pt"})
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        write_json(folder / f"{name}.safetensors.index.json", index)


def as_stored(value: Tensor) -> Tensor:
    """Returns a contiguous copy on the CPU, bfloat16 if floating-point."""
    return (value.to(torch.bfloat16) if value.is_floating_point() else value).cpu().contiguous().clone()


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write indented JSON and create the folder if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n")
