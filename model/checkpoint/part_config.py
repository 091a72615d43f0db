"""The config of a part: read from its folder, or inferred from a single file's shapes. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.identify import Layout, autoencoder_layout, transformer_layout, widths_of
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.shapes import autoencoder_config, transformer_config
from brandpress.model.checkpoint.stored import Stored
from brandpress.model.errors import CheckpointError
from brandpress.model.network.config import AutoencoderConfig, TransformerConfig

Config = TypeVar("Config", TransformerConfig, AutoencoderConfig)


def transformer_config_of(parts: Parts, stored: Stored) -> tuple[Layout, TransformerConfig]:
    """Returns the layout of a transformer's weights, and its config. Raises CheckpointError."""
    layout = transformer_layout(stored.weights)
    if parts.transformer.is_dir():
        config = _read(parts.transformer / "config.json", TransformerConfig.from_dict)
    else:
        like = _base_config(parts.root, TransformerConfig.from_dict, "transformer")
        config = transformer_config(stored, layout, like)
    if sum(config.axes_dims_rope) != config.attention_head_dim:
        raise CheckpointError(
            f"{parts.transformer}: axes_dims_rope {list(config.axes_dims_rope)}: expected a sum of "
            f"{config.attention_head_dim}, the attention_head_dim"
        )
    return layout, config


def autoencoder_config_of(parts: Parts, stored: Stored) -> tuple[Layout, AutoencoderConfig]:
    """Returns the layout of an autoencoder's weights, and its config. Raises CheckpointError."""
    layout = autoencoder_layout(stored.weights)
    if parts.vae.is_dir():
        return layout, _read(parts.vae / "config.json", AutoencoderConfig.from_dict)
    return layout, autoencoder_config(stored, layout, _base_config(parts.root, AutoencoderConfig.from_dict, "vae"))


def check_channels(parts: Parts, config: AutoencoderConfig) -> None:
    """Raises CheckpointError if an autoencoder doesn't return the channels that the transformer takes."""
    expected = widths_of(parts.transformer)[1]
    if expected is not None and expected != config.token_channels:
        raise CheckpointError(
            f"{parts.vae} returns {config.token_channels} channels per token, but {parts.transformer} takes {expected}"
            ": they belong to different models"
        )


def _base_config(root: Path | None, read: Callable[[Mapping[str, Any]], Config], part: str) -> Config | None:
    """The config of the part that a single file replaces; None if there is none."""
    file = root / part / "config.json" if root is not None else None
    return _read(file, read) if file is not None and file.is_file() else None


def _read(file: Path, read: Callable[[Mapping[str, Any]], Config]) -> Config:
    config = read_json(file)
    quantised = config.get("quantization_config") or {}
    method = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
    if method is not None:
        raise CheckpointError(
            f"{file}: weights quantised by {method!r} aren't supported; use BFL's or Comfy's fp8 or NVFP4 files, or "
            "plain weights with `quantise: fp8`"
        )
    try:
        return read(config)
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None
