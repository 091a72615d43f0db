"""The tensors that each network needs, by its config: the names and shapes of its parameters. No torch here.

Tests compare these tables with the networks themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from brandpress.model.checkpoint.conform import Shapes
from brandpress.model.network.config import AutoencoderConfig, TransformerConfig


def transformer_shapes(config: TransformerConfig) -> Shapes:
    """Returns the tensors of a transformer."""
    width, head, inner = config.width, config.attention_head_dim, int(config.width * config.mlp_ratio)
    square = (width, width)
    embedders = ["timestep_embedder"] + ["guidance_embedder"] * config.guidance_embeds
    shapes: Shapes = {}
    for embedder in embedders:
        shapes[f"time_guidance_embed.{embedder}.linear_1.weight"] = (width, config.timestep_guidance_channels)
        shapes[f"time_guidance_embed.{embedder}.linear_2.weight"] = square
    shapes |= {
        "double_stream_modulation_img.linear.weight": (6 * width, width),
        "double_stream_modulation_txt.linear.weight": (6 * width, width),
        "single_stream_modulation.linear.weight": (3 * width, width),
        "x_embedder.weight": (width, config.in_channels),
        "context_embedder.weight": (width, config.joint_attention_dim),
        "norm_out.linear.weight": (2 * width, width),
        "proj_out.weight": (config.out_channels or config.in_channels, width),
    }
    projections = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
    for block in range(config.num_layers):
        stem = f"transformer_blocks.{block}"
        shapes |= {f"{stem}.attn.{name}.weight": square for name in projections}
        shapes |= {
            f"{stem}.attn.{name}.weight": (head,) for name in ("norm_q", "norm_k", "norm_added_q", "norm_added_k")
        }
        for name in ("ff", "ff_context"):
            shapes[f"{stem}.{name}.linear_in.weight"] = (2 * inner, width)
            shapes[f"{stem}.{name}.linear_out.weight"] = (width, inner)
    for block in range(config.num_single_layers):
        stem = f"single_transformer_blocks.{block}.attn"
        shapes[f"{stem}.to_qkv_mlp_proj.weight"] = (3 * width + 2 * inner, width)
        shapes[f"{stem}.to_out.weight"] = (width, width + inner)
        shapes |= {f"{stem}.{name}.weight": (head,) for name in ("norm_q", "norm_k")}
    return shapes


def autoencoder_shapes(config: AutoencoderConfig) -> Shapes:
    """Returns the tensors of an autoencoder."""
    widths, latent = config.block_out_channels, config.latent_channels
    outward = (config.decoder_block_out_channels or widths)[::-1]
    shapes = _conv("encoder.conv_in", config.in_channels, widths[0])
    for level, (before, width) in enumerate(pairwise((widths[0], *widths))):
        stem = f"encoder.down_blocks.{level}"
        for layer in range(config.layers_per_block):
            shapes |= _resnet(f"{stem}.resnets.{layer}", before if layer == 0 else width, width)
        if level < len(widths) - 1:
            shapes |= _conv(f"{stem}.downsamplers.0.conv", width, width)
    shapes |= _middle("encoder.mid_block", widths[-1], config.mid_block_add_attention)
    shapes |= _norm("encoder.conv_norm_out", widths[-1]) | _conv("encoder.conv_out", widths[-1], 2 * latent)
    shapes |= _conv("decoder.conv_in", latent, outward[0])
    shapes |= _middle("decoder.mid_block", outward[0], config.mid_block_add_attention)
    for level, (before, width) in enumerate(pairwise((outward[0], *outward))):
        stem = f"decoder.up_blocks.{level}"
        for layer in range(config.layers_per_block + 1):
            shapes |= _resnet(f"{stem}.resnets.{layer}", before if layer == 0 else width, width)
        if level < len(outward) - 1:
            shapes |= _conv(f"{stem}.upsamplers.0.conv", width, width)
    shapes |= _norm("decoder.conv_norm_out", outward[-1]) | _conv("decoder.conv_out", outward[-1], config.out_channels)
    if config.use_quant_conv:
        shapes |= _conv("quant_conv", 2 * latent, 2 * latent, kernel=1)
    if config.use_post_quant_conv:
        shapes |= _conv("post_quant_conv", latent, latent, kernel=1)
    statistics = (config.token_channels,)
    return shapes | {"bn.running_mean": statistics, "bn.running_var": statistics, "bn.num_batches_tracked": ()}


def _conv(name: str, inputs: int, outputs: int, kernel: int = 3) -> Shapes:
    return {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}


def _norm(name: str, channels: int) -> Shapes:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def _resnet(name: str, inputs: int, outputs: int) -> Shapes:
    shapes = _norm(f"{name}.norm1", inputs) | _conv(f"{name}.conv1", inputs, outputs)
    shapes |= _norm(f"{name}.norm2", outputs) | _conv(f"{name}.conv2", outputs, outputs)
    return shapes if inputs == outputs else shapes | _conv(f"{name}.conv_shortcut", inputs, outputs, kernel=1)


def _middle(name: str, channels: int, attention: bool) -> Shapes:
    shapes = _resnet(f"{name}.resnets.0", channels, channels) | _resnet(f"{name}.resnets.1", channels, channels)
    if attention:
        stem = f"{name}.attentions.0"
        shapes |= _norm(f"{stem}.group_norm", channels)
        for layer in ("to_q", "to_k", "to_v", "to_out.0"):
            shapes |= {f"{stem}.{layer}.weight": (channels, channels), f"{stem}.{layer}.bias": (channels,)}
    return shapes


@dataclass(frozen=True, slots=True)
class TrunkSize:
    """The sizes of a language model: Qwen3 (`qk_norm`) or Mistral."""

    width: int
    inner: int
    depth: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    qk_norm: bool
    bias: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TrunkSize:
        """Reads the sizes from a language model's config, with transformers' defaults for absent ones."""
        qwen = config.get("model_type") == "qwen3"
        values = (_QWEN3 if qwen else _MISTRAL) | {key: value for key, value in config.items() if value is not None}
        heads, width = values["num_attention_heads"], values["hidden_size"]
        return cls(
            width=width,
            inner=values["intermediate_size"],
            depth=values["num_hidden_layers"],
            heads=heads,
            kv_heads=values["num_key_value_heads"],
            head=values.get("head_dim") or width // heads,
            vocabulary=values["vocab_size"],
            qk_norm=qwen,
            bias=qwen and bool(values.get("attention_bias")),
        )


_QWEN3: dict[str, Any] = {
    "vocab_size": 151_936,
    "hidden_size": 4096,
    "intermediate_size": 22_016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
}
_MISTRAL: dict[str, Any] = {
    "vocab_size": 32_000,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}


def trunk_shapes(size: TrunkSize, depth: int) -> Shapes:
    """Returns the tensors of a language model's first layers; of all its layers, with the norm after them."""
    queries, keys = size.heads * size.head, size.kv_heads * size.head
    shapes: Shapes = {"embed_tokens.weight": (size.vocabulary, size.width)}
    if depth == size.depth:
        shapes["norm.weight"] = (size.width,)
    for layer in range(depth):
        stem = f"layers.{layer}"
        outputs = {"q_proj": queries, "k_proj": keys, "v_proj": keys}
        shapes |= {f"{stem}.self_attn.{name}.weight": (rows, size.width) for name, rows in outputs.items()}
        shapes[f"{stem}.self_attn.o_proj.weight"] = (size.width, queries)
        if size.bias:
            shapes |= {f"{stem}.self_attn.{name}.bias": (rows,) for name, rows in outputs.items()}
            shapes[f"{stem}.self_attn.o_proj.bias"] = (size.width,)
        if size.qk_norm:
            shapes |= {f"{stem}.self_attn.{name}.weight": (size.head,) for name in ("q_norm", "k_norm")}
        for name in ("gate_proj", "up_proj"):
            shapes[f"{stem}.mlp.{name}.weight"] = (size.inner, size.width)
        shapes[f"{stem}.mlp.down_proj.weight"] = (size.width, size.inner)
        shapes |= {f"{stem}.{name}.weight": (size.width,) for name in ("input_layernorm", "post_attention_layernorm")}
    return shapes
