"""Sparse files with the real checkpoints' headers, for code that reads no tensors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.checkpoint.needed import TrunkSize, autoencoder_shapes, transformer_shapes, trunk_shapes
from brandpress.model.network.config import AutoencoderConfig, TransformerConfig
from tests.model.layout import real_layout
from tests.model.other_layouts import is_block_linear

Head = dict[str, tuple[str, tuple[int, ...]]]
BYTES = {"F8_E4M3": 1, "BF16": 2, "F32": 4}


def sparse(file: Path, tensors: Head) -> Path:
    """Writes a safetensors file of zeros that takes no space on disk."""
    head: dict[str, Any] = {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        size = BYTES[dtype] * math.prod(shape)
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(head).encode()
    with file.open("wb") as opened:
        opened.write(len(text).to_bytes(8, "little") + text)
        opened.truncate(8 + len(text) + end)
    return file


def sparse_transformer(file: Path, layout: str, fp8: bool = False) -> Path:
    """Writes a real transformer's file in BFL's layout, in bf16 or like BFL's fp8 files."""
    tensors: Head = {}
    for name, shape in real_layout(f"bfl-{layout}")[1].items():
        quantised = fp8 and is_block_linear(name)
        tensors[name] = ("F8_E4M3" if quantised else "BF16", shape)
        if quantised:
            tensors[name.replace(".weight", ".weight_scale")] = ("F32", ())
    return sparse(file, tensors)


def sparse_checkpoint(folder: Path, heads: int = 24, **index: Any) -> Path:
    """Writes a small checkpoint in diffusers' layout, whole by its headers: it can be planned with, but not loaded.

    index: of model_index.json; without any, the file is left as it is.
    """
    transformer = {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": heads, "attention_head_dim": 4}
    transformer |= {"axes_dims_rope": [1, 1, 1, 1], "joint_attention_dim": 24, "guidance_embeds": False}
    vae = {"block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4, "layers_per_block": 1}
    text = {"model_type": "qwen3", "num_hidden_layers": 4, "hidden_size": 8, "intermediate_size": 16, "vocab_size": 99}
    text |= {"num_attention_heads": 1, "num_key_value_heads": 1, "head_dim": 8}
    shapes = {
        "transformer": transformer_shapes(TransformerConfig.from_dict(transformer)),
        "vae": autoencoder_shapes(AutoencoderConfig.from_dict(vae)),
        "text_encoder": {f"model.{name}": shape for name, shape in trunk_shapes(TrunkSize.of(text), 4).items()},
    }
    for part, config in (("transformer", transformer), ("vae", vae), ("text_encoder", text)):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / "config.json").write_text(json.dumps(config))
        head: Head = {name: ("F8_E4M3", shape) for name, shape in shapes[part].items() if shape}
        sparse(folder / part / "model.safetensors", head)
    (folder / "tokenizer").mkdir(exist_ok=True)
    (folder / "tokenizer" / "tokenizer.json").write_text("{}")
    template = (NANO_FOLDER / "tokenizer" / "chat_template.jinja").read_text()
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    if index:
        (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def sparse_lora(file: Path) -> Path:
    """Writes a LoRA of rank 2 for one layer of `sparse_checkpoint`."""
    layer = "transformer.transformer_blocks.0.attn.to_q"
    return sparse(file, {f"{layer}.lora_A.weight": ("BF16", (2, 96)), f"{layer}.lora_B.weight": ("BF16", (96, 2))})
