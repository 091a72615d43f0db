"""Loads the transformer and the autoencoder: builds them on the meta device and streams the weights in."""

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
    """Loads the transformer and applies its LoRAs. quantise: "fp8" quantises the blocks' linear layers."""
    weights = open_weights(parts.transformer)
    formats, layout = Formats(weights), transformer_layout(weights)
    origin: Callable[[str], Origin] = bfl.tensor_origin if layout == "bfl" else Origin
    if parts.transformer.is_dir():
        config = TransformerConfig.from_dict(_unquantised(parts.transformer / "config.json"))
    else:
        config = transformer_config(
            formats, layout, _base_config(parts.root, TransformerConfig.from_dict, "transformer")
        )
    with torch.device("meta"):
        module = Transformer(config)
    to_fp8 = quantise == "fp8"
    fill(module, formats, device, dtype, origin, to_fp8=lambda name: to_fp8 and name.startswith(BLOCKS))
    if parts.loras:
        apply_loras(module, ((u, scale) for file, scale in parts.loras for u in read_lora(file, module)))
    return module.eval()


def load_autoencoder(parts: Parts, device: torch.device, dtype: torch.dtype) -> Autoencoder:
    """Loads the autoencoder, with the standard or the small decoder."""
    weights = open_weights(parts.vae)
    formats, layout = Formats(weights), autoencoder_layout(weights)
    if parts.vae.is_dir():
        config = AutoencoderConfig.from_dict(read_json(parts.vae / "config.json"))
    else:
        config = autoencoder_config(formats, layout, _base_config(parts.root, AutoencoderConfig.from_dict, "vae"))
    origin: Callable[[str], Origin] = Origin
    if layout == "bfl":
        origin = partial(bfl_vae.tensor_origin, levels=count_levels(formats, layout))
    expected = widths_of(parts.transformer)[1]
    if expected is not None and expected != config.token_channels:
        raise CheckpointError(
            f"{parts.vae} returns {config.token_channels} channels per token, but {parts.transformer} takes {expected}"
            ": they belong to different models"
        )
    with torch.device("meta"):
        module = Autoencoder(config)
    fill(module, formats, device, dtype, origin)
    return module.eval()


def _base_config(root: Path | None, read: Callable[[dict[str, object]], Config], part: str) -> Config | None:
    """The config of the part that a single file replaces; None if there is none."""
    file = root / part / "config.json" if root is not None else None
    return read(read_json(file)) if file is not None and file.is_file() else None


def _unquantised(file: Path) -> dict[str, object]:
    config = read_json(file)
    method = (config.get("quantization_config") or {}).get("quant_method")
    if method is not None:
        raise CheckpointError(
            f"{file}: weights quantised by {method!r} aren't supported; use BFL's or Comfy's fp8 or NVFP4 files, or "
            "plain weights with `quantise: fp8`"
        )
    return config
