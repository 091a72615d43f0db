"""The configs of the networks, and how they are read from a checkpoint's files. No torch here."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brandpress.model.errors import CheckpointError

MAX_SIZE = 1 << 20
"""Of any number in a config that isn't in MAXIMA."""
MAXIMA = {
    "num_layers": 256,
    "num_single_layers": 256,
    "num_attention_heads": 512,
    "attention_head_dim": 1024,
    "layers_per_block": 64,
    "norm_num_groups": 1024,
    "mlp_ratio": 64,
}
MAX_LISTED_VALUES = 16


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The fields of `transformer/config.json`. Defaults are those of FLUX.2 [dev]."""

    in_channels: int = 128
    out_channels: int | None = None
    num_layers: int = 8
    num_single_layers: int = 48
    attention_head_dim: int = 128
    num_attention_heads: int = 48
    joint_attention_dim: int = 15360
    timestep_guidance_channels: int = 256
    mlp_ratio: float = 3.0
    axes_dims_rope: tuple[int, ...] = (32, 32, 32, 32)
    rope_theta: int = 2000
    eps: float = 1e-6
    guidance_embeds: bool = True

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> TransformerConfig:
        """Returns the fields of a parsed `config.json`. Raises CheckpointError if it describes another class."""
        return cls(**read_fields(cls, config, class_name="Flux2Transformer2DModel"))

    @property
    def width(self) -> int:
        """D, the width of the hidden states."""
        return self.num_attention_heads * self.attention_head_dim


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """The fields of `vae/config.json` that shape the network; the defaults are FLUX.2's."""

    in_channels: int = 3
    out_channels: int = 3
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    decoder_block_out_channels: tuple[int, ...] | None = None
    layers_per_block: int = 2
    latent_channels: int = 32
    norm_num_groups: int = 32
    use_quant_conv: bool = True
    use_post_quant_conv: bool = True
    mid_block_add_attention: bool = True
    batch_norm_eps: float = 1e-4
    patch_size: tuple[int, int] = (2, 2)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> AutoencoderConfig:
        """Reads the fields from a parsed `config.json`. Raises CheckpointError if it describes another class."""
        return cls(**read_fields(cls, config, class_name="AutoencoderKLFlux2"))

    @property
    def token_channels(self) -> int:
        """C, the channels of a token: those of a patch of latents."""
        return self.latent_channels * self.patch_size[0] * self.patch_size[1]


def read_fields(target: type[Any], config: Mapping[str, Any], class_name: str) -> dict[str, Any]:
    """Returns the fields of dataclass `target` from a diffusers config, lists as tuples.

    Ignores other entries: configs also hold bookkeeping and training options. Raises CheckpointError if the config
    names another class than `class_name`, and for a value of another type or out of range.
    """
    named_class = config.get("_class_name", class_name)
    if named_class != class_name:
        raise CheckpointError(f"_class_name is {named_class!r}; a FLUX.2 checkpoint has {class_name!r} here")
    fields = {field.name: field.default for field in dataclasses.fields(target)}
    return {key: checked(key, value, fields[key]) for key, value in config.items() if key in fields}


def checked(key: str, value: Any, like: Any) -> Any:
    """Returns a config's value, a list as a tuple. like: the default, which shows the type. Raises CheckpointError."""
    if value is None and (like is None or key.startswith(("out_channels", "decoder_block"))):
        return None
    if isinstance(like, bool):
        if not isinstance(value, bool):
            raise CheckpointError(f"{key}: expected true or false, got {shown(value)}")
        return value
    if isinstance(like, tuple) or isinstance(value, list):
        if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_LISTED_VALUES:
            raise CheckpointError(f"{key}: expected a list of up to {MAX_LISTED_VALUES} numbers, got {shown(value)}")
        return tuple(_number(key, item, whole=True) for item in value)
    return _number(key, value, whole=not isinstance(like, float))


def _number(key: str, value: Any, *, whole: bool) -> Any:
    maximum = MAXIMA.get(key, MAX_SIZE)
    if whole and isinstance(value, float) and value.is_integer():
        value = int(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, int if whole else int | float)
        or not 0 < value <= maximum
        or not math.isfinite(value)
    ):
        kind = "whole number" if whole else "number"
        raise CheckpointError(f"{key}: expected a {kind} above 0, at most {maximum:,}, got {shown(value)}")
    return value


def shown(value: object) -> str:
    """A value of a config, short enough for an error."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
