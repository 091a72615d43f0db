"""Loads the transformer and the autoencoder: builds them on the meta device and streams the weights in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from brandpress.model.checkpoint import bfl, bfl_vae
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.lora import read_lora
from brandpress.model.checkpoint.part_config import autoencoder_config_of, check_channels, transformer_config_of
from brandpress.model.checkpoint.shapes import count_levels
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.lora import apply_loras
from brandpress.model.network.transformer import Transformer

BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")


def load_transformer(
    parts: Parts, device: torch.device, dtype: torch.dtype, quantise: str | None = None
) -> Transformer:
    """Loads the transformer and applies its LoRAs. quantise: "fp8" quantises the blocks' linear layers."""
    formats = Formats(open_weights(parts.transformer))
    layout, config = transformer_config_of(parts, formats)
    origin: Callable[[str], Origin] = bfl.tensor_origin if layout == "bfl" else Origin
    with torch.device("meta"):
        module = Transformer(config)
    to_fp8 = quantise == "fp8"
    # BFL and ComfyUI multiply in bfloat16 outside the blocks, even if a file stores those layers in fp8.
    fill(
        module,
        formats,
        device,
        dtype,
        origin,
        to_fp8=lambda name: to_fp8 and _in_blocks(name),
        fp8_products=_in_blocks,
    )
    if parts.loras:
        apply_loras(module, ((u, scale) for file, scale in parts.loras for u in read_lora(file, module)))
    return module.eval()


def _in_blocks(name: str) -> bool:
    return name.startswith(BLOCKS)


def load_autoencoder(parts: Parts, device: torch.device, dtype: torch.dtype) -> Autoencoder:
    """Loads the autoencoder, with the standard or the small decoder."""
    formats = Formats(open_weights(parts.vae, "vae"))
    layout, config = autoencoder_config_of(parts, formats)
    origin: Callable[[str], Origin] = Origin
    if layout == "bfl":
        origin = partial(bfl_vae.tensor_origin, levels=count_levels(formats, layout))
    check_channels(parts, config)
    with torch.device("meta"):
        module = Autoencoder(config)
    fill(module, formats, device, dtype, origin)
    return module.eval()
