"""Identifies a weights file by its tensors' names: FLUX.2 in one of two layouts, or another model (an error)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from brandpress.model.checkpoint.bfl import tensor_origin
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.stored import Stored
from brandpress.model.checkpoint.weights import Weights, listing, open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import DEV, recognise

Layout = Literal["diffusers", "bfl"]


class Size(NamedTuple):
    """A transformer's attention heads, and whether it takes a guidance scale."""

    heads: int
    guidance_embeds: bool


class Kind(NamedTuple):
    """kv and distilled, as in `family.Family`."""

    kv: bool
    distilled: bool


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
    """The layout of a FLUX.2 transformer. Raises CheckpointError for another model and names it."""
    if any(_FOUR_BITS in name for name in weights):
        raise CheckpointError(
            f"{weights.label}: 4-bit weights of bitsandbytes aren't supported; use BFL's fp8 or NVFP4 files"
        )
    if "double_stream_modulation_img.lin.weight" in weights:
        return "bfl"
    if "double_stream_modulation_img.linear.weight" in weights:
        return "diffusers"
    raise CheckpointError(
        f"{weights.label}: {describe_contents(weights)}; expected a FLUX.2 transformer in BFL's or diffusers' layout"
    )


def naming(layout: Layout) -> Callable[[str], str]:
    """A function from our name of a transformer's tensor to its name in a file of that layout."""
    return (lambda name: tensor_origin(name).name) if layout == "bfl" else str


def autoencoder_layout(weights: Weights) -> Layout:
    """The layout of a FLUX.2 autoencoder. Raises CheckpointError for another model and names it."""
    is_decoder = "decoder.conv_in.weight" in weights
    if is_decoder and "bn.running_mean" in weights:
        return "bfl" if "decoder.mid.block_1.conv1.weight" in weights else "diffusers"
    if is_decoder:
        channels = weights.shape("decoder.conv_in.weight")[1]
        kind = f"this is an autoencoder of FLUX.1 or Stable Diffusion: {channels} latent channels, no bn.running_mean"
    else:
        kind = describe_contents(weights)
    raise CheckpointError(f"{weights.label}: {kind}; expected a FLUX.2 autoencoder (ae.safetensors or vae/)")


def describe_contents(weights: Weights) -> str:
    """What the weights are, as a clause for an error: `this is a FLUX.1 transformer: 19 double blocks…`."""
    if "double_blocks.0.img_mod.lin.weight" in weights or "transformer_blocks.0.norm1_context.linear.weight" in weights:
        doubles = count_blocks(weights, "double_blocks") or count_blocks(weights, "transformer_blocks")
        singles = count_blocks(weights, "single_blocks") or count_blocks(weights, "single_transformer_blocks")
        return (
            f"this is a FLUX.1 transformer: {doubles} double blocks and {singles} single blocks, each with modulation"
        )
    if any(_LORA.search(name) for name in weights):
        return "this is a LoRA; name it in `loras`"
    for pattern, name in _OTHERS:
        if any(pattern.fullmatch(tensor) for tensor in weights):
            return f"this is {name}"
    return f"this isn't FLUX.2: its {len(weights)} tensors are {listing(sorted(weights))}"


def size_of(transformer: Path, *, guidance_embeds: bool = False) -> Size:
    """The size of a transformer's file or folder. guidance_embeds: the value if a folder's config has none."""
    if transformer.is_dir():
        config = read_json(transformer / "config.json")
        return Size(config.get("num_attention_heads", 0), bool(config.get("guidance_embeds", guidance_embeds)))
    weights = open_weights(transformer)
    name = naming(transformer_layout(weights))
    width, head = name("x_embedder.weight"), name("transformer_blocks.0.attn.norm_q.weight")
    for required in (width, head):
        if required not in weights:
            raise CheckpointError(f"{transformer}: {required} is missing; the file is incomplete")
    guidance_embeds = name("time_guidance_embed.guidance_embedder.linear_1.weight") in weights
    return Size(weights.shape(width)[0] // weights.shape(head)[0], guidance_embeds)


def widths_of(transformer: Path) -> tuple[int | None, int | None]:
    """The widths of a text token and of a picture token that a transformer takes as input; None where unknown."""
    if transformer.is_dir():
        config = read_json(transformer / "config.json")
        return config.get("joint_attention_dim"), config.get("in_channels")
    weights = open_weights(transformer)
    name, stored = naming(transformer_layout(weights)), Stored(weights)
    embedders = (name("context_embedder.weight"), name("x_embedder.weight"))
    text, picture = (stored.shape(embedder)[1] if embedder in weights else None for embedder in embedders)
    return text, picture


def kind_of(file: Path, *, guidance_embeds: bool) -> Kind:
    """The kind of a single file. Taken from its name, because distilled, base and KV weights have the same shapes."""
    name = file.name.lower()
    if guidance_embeds:
        return Kind(kv=DEV.kv, distilled=DEV.distilled)
    if "klein" not in name:
        raise CheckpointError(
            f"{file}: can't tell distilled, base and KV models apart by their tensors, and the file name contains none "
            f"of klein, klein-base and klein-9b-kv; write {{base: flux.2-klein-4b, transformer: {file.name}}}"
        )
    return Kind(kv="kv" in name, distilled="base" not in name)


def hub_of(file: Path) -> str | None:
    """The hub repository with the other parts of a single file's model; None for an unknown size."""
    size = size_of(file)
    kind = kind_of(file, guidance_embeds=size.guidance_embeds)
    return recognise(**kind._asdict(), **size._asdict()).hub


def count_blocks(weights: Weights, kind: str) -> int:
    """The number of blocks whose tensors are named `kind.0.…`, `kind.1.…`."""
    return len({name.split(".")[1] for name in weights if name.startswith(f"{kind}.")})
