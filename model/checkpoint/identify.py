"""What a file holds, by its tensors' names: FLUX.2 in one of two layouts, or something else, refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from brandpress.model.checkpoint.bfl import tensor_origin
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.weights import Weights, listing, open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import DEV, recognise

Layout = Literal["diffusers", "bfl"]

_LORA = re.compile(r"\.(lora_[AB]|lora_down|lora_up|lora\.(down|up)|lokr_w\d|hada_w\d)")
_FOUR_BITS = ".quant_state.bitsandbytes"
_OTHERS = (
    (
        re.compile(r"(early_stream_modulations|(content_|txt_)?mode_blocks|x_embedders|emb_in)\..*"),
        "a FLUX.3 transformer",
    ),
    (re.compile(r"distilled_guidance_layer\..*"), "a Chroma transformer"),
    (re.compile(r"joint_blocks\..*"), "a Stable Diffusion 3 transformer"),
    (re.compile(r"transformer_blocks\.0\.img_mod\.1\.weight"), "a Qwen-Image transformer"),
    (re.compile(r"input_blocks\.0\.0\.weight|down_blocks\.0\.resnets\.0\..*"), "a UNet of Stable Diffusion"),
    (re.compile(r"noise_refiner\..*"), "a Z-Image or Lumina transformer"),
    (re.compile(r"(.*\.)?layers\.0\.self_attn\.q_proj\.weight"), "a language model (a text encoder)"),
    (re.compile(r"(encoder|decoder)\.conv_in\.weight"), "an autoencoder"),
)


def transformer_layout(weights: Weights) -> Layout:
    """The layout of a FLUX.2 transformer. Raises CheckpointError, saying what the file is instead."""
    if any(_FOUR_BITS in name for name in weights):
        raise CheckpointError(
            f"{weights.label}: this is stored in 4 bits by bitsandbytes, which isn't read; BFL's fp8 and NVFP4 files "
            "are"
        )
    if "double_stream_modulation_img.lin.weight" in weights:
        return "bfl"
    if "double_stream_modulation_img.linear.weight" in weights:
        return "diffusers"
    raise CheckpointError(
        f"{weights.label}: {what_it_is(weights)}; a FLUX.2 transformer in BFL's or diffusers' layout is needed here"
    )


def naming(layout: Layout) -> Callable[[str], str]:
    """What a tensor of ours is called in a transformer's file."""
    return (lambda name: tensor_origin(name).name) if layout == "bfl" else str


def autoencoder_layout(weights: Weights) -> Layout:
    """The layout of a FLUX.2 autoencoder. Raises CheckpointError, saying what the file is instead."""
    inside = "decoder.conv_in.weight" in weights
    if inside and "bn.running_mean" in weights:
        return "bfl" if "decoder.mid.block_1.conv1.weight" in weights else "diffusers"
    if inside:
        channels = weights.shape("decoder.conv_in.weight")[1]
        what = f"this is an autoencoder of FLUX.1 or Stable Diffusion: {channels} latent channels, no bn.running_mean"
    else:
        what = what_it_is(weights)
    raise CheckpointError(f"{weights.label}: {what}; a FLUX.2 autoencoder (ae.safetensors or vae/) is needed here")


def what_it_is(weights: Weights) -> str:
    """A clause: `this is a FLUX.1 transformer: 19 double blocks…`."""
    if "double_blocks.0.img_mod.lin.weight" in weights or "transformer_blocks.0.norm1_context.linear.weight" in weights:
        doubles = count_blocks(weights, "double_blocks") or count_blocks(weights, "transformer_blocks")
        singles = count_blocks(weights, "single_blocks") or count_blocks(weights, "single_transformer_blocks")
        return (
            f"this is a FLUX.1 transformer: {doubles} double blocks and {singles} single blocks, each with modulation"
        )
    if any(_LORA.search(name) for name in weights):
        return "this is a LoRA, which goes into `loras`"
    for pattern, what in _OTHERS:
        if any(pattern.fullmatch(name) for name in weights):
            return f"this is {what}"
    return f"this is no FLUX.2: its {len(weights)} tensors are {listing(sorted(weights))}"


def size_of(transformer: Path, guided: bool = False) -> tuple[int, bool]:
    """Attention heads of a transformer, and whether it takes a guidance scale; `guided` where a config says nothing."""
    if transformer.is_dir():
        config = read_json(transformer / "config.json")
        return config.get("num_attention_heads", 0), bool(config.get("guidance_embeds", guided))
    weights = open_weights(transformer)
    name = naming(transformer_layout(weights))
    width, head = name("x_embedder.weight"), name("transformer_blocks.0.attn.norm_q.weight")
    for needed in (width, head):
        if needed not in weights:
            raise CheckpointError(f"{transformer}: {needed} is missing; the file is incomplete")
    guided = name("time_guidance_embed.guidance_embedder.linear_1.weight") in weights
    return weights.shape(width)[0] // weights.shape(head)[0], guided


def widths_of(transformer: Path) -> tuple[int | None, int | None]:
    """What a transformer takes: the width of an embedded token of the prompt, and the channels of a picture's."""
    if transformer.is_dir():
        config = read_json(transformer / "config.json")
        return config.get("joint_attention_dim"), config.get("in_channels")
    weights = open_weights(transformer)
    name = naming(transformer_layout(weights))
    embedders = (name("context_embedder.weight"), name("x_embedder.weight"))
    text, picture = (weights.shape(embedder)[1] if embedder in weights else None for embedder in embedders)
    return text, picture


def kind_of(file: Path, guided: bool) -> tuple[bool, bool]:
    """kv and distilled of a single file. Distilled, base and KV weights have the same shapes: the name must say."""
    name = file.name.lower()
    if guided:
        return DEV.kv, DEV.distilled
    if "klein" not in name:
        raise CheckpointError(
            f"{file}: distilled, base and KV models can't be told apart by their tensors, and the file's name says "
            f"neither klein, klein-base nor klein-9b-kv; write {{base: flux.2-klein-4b, transformer: {file.name}}}"
        )
    return "kv" in name, "base" not in name


def hub_of(file: Path) -> str | None:
    """The hub's repository with the other parts of a single file's model; None when it's of no known size."""
    heads, guided = size_of(file)
    return recognise(*kind_of(file, guided), heads, guided).hub


def count_blocks(weights: Weights, kind: str) -> int:
    """How many numbered blocks a file has below a name."""
    heads = {name.split(".")[1] for name in weights if name.startswith(f"{kind}.")}
    return len(heads)
