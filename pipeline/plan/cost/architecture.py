"""The sizes of a model's networks, from its configs and the headers of its files."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.needed import TrunkSize, autoencoder_shapes
from brandpress.model.checkpoint.part_config import autoencoder_config_of, transformer_config_of
from brandpress.model.checkpoint.stored import FP8_DTYPES, Stored
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, HEAD_SIZE, TextEncoderSize, TransformerSize

MLP_RATIO = 3.0
MAX_NUMBER = 1 << 20


@dataclass(frozen=True, slots=True)
class Transformer:
    """width: of the hidden states. blocks: of both kinds together. mlp_ratio: width of the feed-forward layer over
    `width`. channels: of a picture's token, in and out together. text_width: of a token of the prompt's embedding."""

    width: int
    blocks: int
    mlp_ratio: float
    channels: int
    text_width: int


@dataclass(frozen=True, slots=True)
class TextEncoder:
    """A language model's layers that are run. queries, keys: the widths of all heads together."""

    width: int
    inner: int
    queries: int
    keys: int
    layers: int


@dataclass(frozen=True, slots=True)
class Convolutions:
    """One side of the autoencoder. weights: how many weights act at each resolution: (downscaling, number). attention:
    channels of the attention in the middle, 0 without one. scale: the downscaling there."""

    weights: tuple[tuple[int, int], ...]
    attention: int
    scale: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """The networks of a model. text_length: tokens of a prompt's embedding. kv: references run once per set. fp8: the
    transformer's blocks multiply in fp8."""

    transformer: Transformer
    text_encoder: TextEncoder
    encoder: Convolutions
    decoder: Convolutions
    text_length: int
    kv: bool = False
    fp8: bool = False


def architecture_of(model: ModelDescription) -> Architecture | None:
    """Returns the architecture of a model with weights; None for a hosted one, and if its files can't be read."""
    if model.parts is None:
        return None
    try:
        return _read(model, model.parts)
    except (CheckpointError, AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return None  # `plan` and `render` report broken files themselves


def _read(model: ModelDescription, parts: Parts) -> Architecture:
    stored = Stored(open_weights(parts.transformer))
    _, config = transformer_config_of(parts, stored)
    _, vae = autoencoder_config_of(parts, Stored(open_weights(parts.vae, "vae")))
    encoder, decoder = convolutions(autoencoder_shapes(vae))
    in_fp8 = any(stored.weights.dtype(name) in FP8_DTYPES for name in stored.weights)
    return Architecture(
        transformer=Transformer(
            width=config.width,
            blocks=config.num_layers + config.num_single_layers,
            mlp_ratio=config.mlp_ratio,
            channels=config.in_channels + (config.out_channels or config.in_channels),
            text_width=config.joint_attention_dim,
        ),
        text_encoder=_text_encoder(model, parts),
        encoder=encoder,
        decoder=decoder,
        text_length=model.text_length,
        kv=model.kv,
        fp8=in_fp8 or model.choice.quantise == "fp8",
    )


def transformer_of(size: TransformerSize, channels: int = 256) -> Transformer:
    """Returns the transformer of a family's table."""
    return Transformer(size.width, size.double + size.single, MLP_RATIO, channels, size.text_width)


def convolutions(shapes: dict[str, tuple[int, ...]]) -> tuple[Convolutions, Convolutions]:
    """Returns the encoder and the decoder of an autoencoder. shapes: of its tensors, named as in diffusers."""
    levels = len({name.split(".")[2] for name in shapes if name.startswith("encoder.down_blocks.")})
    sides = {"encoder": Convolutions((), 0, 1 << levels - 1), "decoder": Convolutions((), 0, 1 << levels - 1)}
    weights: dict[str, dict[int, int]] = {"encoder": {}, "decoder": {}}
    for name, shape in shapes.items():
        side = name.split(".")[0]
        if side not in sides or not name.endswith(".weight"):
            continue
        if ".attentions." in name and len(shape) == 2:
            sides[side] = replace(sides[side], attention=shape[0])
        if len(shape) == 4:
            scale = _scale(name, levels)
            weights[side][scale] = weights[side].get(scale, 0) + math.prod(shape)
    encoder, decoder = (replace(sides[side], weights=tuple(sorted(weights[side].items()))) for side in sides)
    return encoder, decoder


def _scale(name: str, levels: int) -> int:
    """Returns the downscaling at which a convolution writes."""
    parts = name.split(".")
    if parts[1] in ("down_blocks", "up_blocks"):
        level = int(parts[2])
        if parts[1] == "down_blocks":
            return 1 << level + (parts[3] == "downsamplers")
        return 1 << levels - 1 - level - (parts[3] == "upsamplers")
    at_full_size = {("encoder", "conv_in"), ("decoder", "conv_out")}
    return 1 if (parts[0], parts[1]) in at_full_size else 1 << levels - 1


def _text_encoder(model: ModelDescription, parts: Parts) -> TextEncoder:
    family = FAMILIES.get(model.family)
    table = family.text_encoder if family is not None else None
    if parts.text_config is None:
        if table is None:
            raise CheckpointError(f"{parts.text_encoder}: no config.json")
        return text_encoder_of(table)
    config = read_json(parts.text_config)
    size = TrunkSize.of(config.get("text_config", config))
    layers = model.text_layers or (table.layers if table is not None else (max(1, size.depth * 3 // 4),))
    encoder = TextEncoder(size.width, size.inner, size.heads * size.head, size.kv_heads * size.head, max(layers))
    if not all(0 < number <= MAX_NUMBER for number in (encoder.width, encoder.inner, encoder.queries, encoder.keys)):
        raise CheckpointError(f"{parts.text_config}: sizes out of range")
    return encoder


def text_encoder_of(size: TextEncoderSize) -> TextEncoder:
    """Returns the text encoder of a family's table."""
    return TextEncoder(size.width, size.inner, size.heads * HEAD_SIZE, size.kv_heads * HEAD_SIZE, max(size.layers))
