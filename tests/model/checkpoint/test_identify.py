"""Files of other models are rejected with the model's name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from brandpress.model import CheckpointError
from brandpress.model.checkpoint.identify import autoencoder_layout, transformer_layout
from brandpress.model.checkpoint.weights import open_weights
from tests.model.other_layouts import write

BLOCKS = {f"double_blocks.{i}.img_mod.lin.weight": 1 for i in range(19)}
SINGLES = {f"single_blocks.{i}.modulation.lin.weight": 1 for i in range(38)}


def names(*tensors: str) -> dict[str, int]:
    return dict.fromkeys(tensors, 1)


OTHERS = {
    "FLUX.1, BFL": (BLOCKS | SINGLES, "this is a FLUX.1 transformer: 19 double blocks and 38 single blocks"),
    "FLUX.1, diffusers": (
        {f"transformer_blocks.{i}.norm1_context.linear.weight": 1 for i in range(19)}
        | {f"single_transformer_blocks.{i}.norm.linear.weight": 1 for i in range(38)},
        "this is a FLUX.1 transformer: 19 double blocks and 38 single blocks",
    ),
    "FLUX.1, Comfy": (
        {f"model.diffusion_model.{name}": 1 for name in BLOCKS | SINGLES},
        "this is a FLUX.1 transformer: 19 double blocks and 38 single blocks",
    ),
    "FLUX.3, diffusers": (names("mode_blocks.image.0.attn.to_q.weight", "x_embedders.image.weight"), "a FLUX.3 tr"),
    "FLUX.3, BFL": (names("content_mode_blocks.image.0.q_proj.weight", "emb_in.image.weight"), "this is a FLUX.3 tr"),
    "SD 3": (names("joint_blocks.0.x_block.attn.qkv.weight"), "this is a Stable Diffusion 3 transformer"),
    "SDXL": (names("model.diffusion_model.input_blocks.0.0.weight"), "this is a UNet of Stable Diffusion"),
    "Qwen-Image": (names("transformer_blocks.0.img_mod.1.weight"), "this is a Qwen-Image transformer"),
    "Chroma": (names("distilled_guidance_layer.in_proj.weight"), "this is a Chroma transformer"),
    "LoRA": (names("diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight"), "a LoRA; name it in `loras`"),
    "kohya": (names("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"), "a LoRA; name it in `loras`"),
    "text encoder": (names("model.layers.0.self_attn.q_proj.weight"), "this is a language model (a text encoder)"),
    "autoencoder": (names("decoder.conv_in.weight", "bn.running_mean"), "this is an autoencoder"),
    "something": (names("a", "b"), "this isn't FLUX.2: its 2 tensors are a, b"),
}


@pytest.mark.parametrize(("tensors", "message"), OTHERS.values(), ids=OTHERS)
def test_another_transformer_is_named(tmp_path: Path, tensors: dict[str, int], message: str) -> None:
    file = write(tmp_path / "x.safetensors", {name: torch.zeros(size) for name, size in tensors.items()})
    with pytest.raises(CheckpointError, match=re.escape(message)) as raised:
        transformer_layout(open_weights(file))
    assert str(raised.value).startswith(str(file))
    assert "expected a FLUX.2 transformer in BFL's or diffusers' layout" in str(raised.value)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            {"decoder.conv_in.weight": (512, 16, 3, 3)},
            "this is an autoencoder of FLUX.1 or Stable Diffusion: 16 latent",
        ),
        ({"img_in.weight": (2, 2)}, "this isn't FLUX.2"),
    ],
)
def test_another_autoencoder_is_named(tmp_path: Path, tensors: dict[str, tuple[int, ...]], message: str) -> None:
    file = write(tmp_path / "x.safetensors", {name: torch.zeros(shape) for name, shape in tensors.items()})
    with pytest.raises(CheckpointError, match=re.escape(message)):
        autoencoder_layout(open_weights(file))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.ckpt", "is a pickle, which can run code when it is opened; use a .safetensors file"),
        ("x.pt", "is a pickle"),
        ("x.bin", "is a pickle"),
        ("x.gguf", "is a GGUF file, which isn't supported; use a .safetensors file"),
        ("x.safetensors", "is not a valid safetensors file"),
    ],
)
def test_only_safetensors_is_read(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(CheckpointError, match=message):
        open_weights(tmp_path / name)


def test_four_bit_weights_of_bitsandbytes_are_rejected(tmp_path: Path) -> None:
    name = "double_stream_modulation_img.linear.weight"
    state = {name: torch.zeros(2, dtype=torch.uint8), f"{name}.quant_state.bitsandbytes__nf4": torch.zeros(2)}
    file = write(tmp_path / "x.safetensors", state)
    with pytest.raises(CheckpointError, match="4-bit weights of bitsandbytes aren't supported; use BFL's fp8"):
        transformer_layout(open_weights(file))
