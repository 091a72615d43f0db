"""The transformer's and the autoencoder's files -> modules with their weights, streamed straight to their place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from brandpress.model.checkpoint import bfl, bfl_vae
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.identify import autoencoder_layout, transformer_layout, widths_of
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.lora import read_lora
from brandpress.model.checkpoint.shapes import autoencoder_config, count_levels, transformer_config
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.lora import apply_loras
from brandpress.model.network.transformer import Transformer, TransformerConfig

Config = TypeVar("Config", TransformerConfig, AutoencoderConfig)
BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")


def load_transformer(
    parts: Parts, device: torch.device, dtype: torch.dtype, quantise: str | None = None
) -> Transformer:
    """The transformer with its LoRAs. quantise "fp8": the blocks' linear layers, as in BFL's fp8 files."""
    weights = open_weights(parts.transformer)
    formats, layout = Formats(weights), transformer_layout(weights)
    origin: Callable[[str], Origin] = bfl.tensor_origin if layout == "bfl" else Origin
    if parts.transformer.is_dir():
        config = TransformerConfig.from_dict(_unquantised(parts.transformer / "config.json"))
    else:
        config = transformer_config(formats, layout, _like(parts.root, TransformerConfig.from_dict, "transformer"))
    with torch.device("meta"):
        module = Transformer(config)
    to_fp8 = quantise == "fp8"
    fill(module, formats, device, dtype, origin, to_fp8=lambda name: to_fp8 and name.startswith(BLOCKS))
    if parts.loras:
        apply_loras(module, ((u, scale) for file, scale in parts.loras for u in read_lora(file, module)))
    return module.eval()


def load_autoencoder(parts: Parts, device: torch.device, dtype: torch.dtype) -> Autoencoder:
    """The autoencoder, with its usual decoder or the small one."""
    weights = open_weights(parts.vae)
    formats, layout = Formats(weights), autoencoder_layout(weights)
    if parts.vae.is_dir():
        config = AutoencoderConfig.from_dict(read_json(parts.vae / "config.json"))
    else:
        config = autoencoder_config(formats, layout, _like(parts.root, AutoencoderConfig.from_dict, "vae"))
    origin: Callable[[str], Origin] = Origin
    if layout == "bfl":
        origin = partial(bfl_vae.tensor_origin, levels=count_levels(formats, layout))
    taken = widths_of(parts.transformer)[1]
    if taken is not None and taken != config.token_channels:
        raise CheckpointError(
            f"{parts.vae} gives tokens of {config.token_channels} channels, and {parts.transformer} takes {taken}: "
            "they belong to different models"
        )
    with torch.device("meta"):
        module = Autoencoder(config)
    fill(module, formats, device, dtype, origin)
    return module.eval()


def _like(root: Path | None, read: Callable[[dict[str, object]], Config], part: str) -> Config | None:
    """The config of the checkpoint that a single file stands in for."""
    file = root / part / "config.json" if root is not None else None
    return read(read_json(file)) if file is not None and file.is_file() else None


def _unquantised(file: Path) -> dict[str, object]:
    config = read_json(file)
    method = (config.get("quantization_config") or {}).get("quant_method")
    if method is not None:
        raise CheckpointError(
            f"{file}: these weights are quantised by {method!r}; brandpress reads BFL's and Comfy's fp8 and NVFP4 "
            "files, and makes fp8 of plain weights with `quantise: fp8`"
        )
    return config
