"""Reads a LoRA's file: which layers of a transformer it updates, and how.

Supported layer names: diffusers and PEFT, BFL's layout (ComfyUI, ai-toolkit) and kohya's (sd-scripts, musubi). A layer
is looked up by its full name in a table of all names that this transformer's layers have. A tensor that isn't used is
an error.

Sources: PEFT 0.21 `tuners/lora` (scale, patterns), diffusers 0.42.1 `loaders/lora_base.py` (metadata),
kohya-ss/sd-scripts `networks/lora.py` (alpha).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from brandpress.model.checkpoint.bfl import Origin, module_origin
from brandpress.model.checkpoint.weights import listing, opened
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.network.lora import LoraUpdate
from brandpress.model.network.transformer import Transformer

METADATA = "lora_adapter_metadata"
PEFT_ALPHA = 8
"""PEFT's default of `lora_alpha`."""
UNDERSCORED = ("lora_unet_", "lora_transformer_", "lycoris_")
DOWN, UP = ("lora_A", "lora_down"), ("lora_B", "lora_up")

_PREFIXES = re.compile(r"(?:base_model\.model\.|model\.diffusion_model\.|diffusion_model\.|transformer\.)*")
_FACTOR = re.compile(r"(?P<layer>.+)\.(?P<factor>lora_A|lora_B|lora_down|lora_up)(?P<adapter>\.[^.]+)?\.weight")
_TEXT_ENCODER = re.compile(r"(?:base_model\.model\.)?(?:text_encoders?|text_model|lora_te\d*)[._].*")
_FLUX_1 = re.compile(
    r"(?:img|txt)_mod[._]lin|single_blocks[._]\d+[._]modulation|blocks[._]\d+[._](?:norm1?(?:_context)?[._]linear|proj_)"
    r"|[._]ff(?:_context)?[._]net[._]|time_text_embed[._]|vector_in[._]"
)
_OTHER_KINDS = {
    "DoRA": re.compile(r"\.dora_scale|\.lora_magnitude_vector"),
    "LoKr": re.compile(r"\.lokr_"),
    "LoHa": re.compile(r"\.hada_"),
    "OFT": re.compile(r"\.b?oft_"),
    "third factors (Tucker)": re.compile(r"\.lora_mid\."),
    "LoRA biases": re.compile(r"\.lora_.+\.bias"),
    "full weight differences": re.compile(r"\.diff(?:_b)?$"),
}

Places = list[tuple[str, Origin]]
"""The modules that a LoRA layer updates, each with the rows of the up factor that it takes."""


@dataclass(slots=True)
class Pair:
    """The keys of a layer's factors in the file, and of its alpha, "" if it has none. layer: its name in the file."""

    layer: str
    down: str = ""
    up: str = ""
    alpha: str = ""

    @property
    def name(self) -> str:
        """The layer's name without prefix, as in `layer_places`."""
        return _PREFIXES.sub("", self.layer, count=1)


def read_lora(file: Path, transformer: Transformer) -> list[LoraUpdate]:
    """Reads the updates of a LoRA, in the file's dtype on the CPU.

    Raises CheckpointError for a file that isn't a LoRA of this model; names and shapes are checked before any tensor is
    read.
    """
    with opened(file, "pt") as tensors:
        try:
            pairs = _pairs(sorted(tensors.keys()))
            names = layer_places(transformer)
            _check(tensors, pairs, names, transformer)
            settings = _peft_settings(tensors.metadata() or {})
            return [update for pair in pairs for update in _updates(tensors, pair, names[pair.name], settings)]
        except CheckpointError as error:
            raise CheckpointError(f"{file}: {error}") from None


def layer_places(transformer: nn.Module) -> dict[str, Places]:
    """The modules that a LoRA layer updates, keyed by each name that it can have in a file.

    These are our and BFL's names with dots, and both with underscores after one of kohya's prefixes. BFL's fused query,
    key and value update three modules.
    """
    names: dict[str, Places] = {}
    for module in _linears(transformer):
        origin = module_origin(module)
        for dotted, place in ((module, Origin(module)), (origin.name, origin)):
            for name in (dotted, *(prefix + dotted.replace(".", "_") for prefix in UNDERSCORED)):
                names.setdefault(name, []).append((module, place))
    return names


def _linears(transformer: nn.Module) -> list[str]:
    """The names of all linear layers; a linear layer inside another (of a LoRA) isn't listed."""
    linears = {name for name, module in transformer.named_modules() if hasattr(module, "in_features")}
    return [
        name for name, _ in transformer.named_modules() if name in linears and name.rpartition(".")[0] not in linears
    ]


def _pairs(keys: list[str]) -> list[Pair]:
    """Pairs the factors of each layer. Raises CheckpointError for a missing factor and for other kinds of LoRAs."""
    for kind, pattern in _OTHER_KINDS.items():
        if matches := [key for key in keys if pattern.search(key)]:
            raise CheckpointError(
                f"{len(matches)} of its {len(keys)} tensors are {kind}: {listing(matches)}; only plain LoRAs are "
                "supported. Use one, or merge this file into a transformer elsewhere and set `transformer` to that"
            )
    if matches := [key for key in keys if _TEXT_ENCODER.fullmatch(key)]:
        raise CheckpointError(
            f"{len(matches)} of its {len(keys)} tensors are for a text encoder: {listing(matches)}; only LoRAs of the "
            "transformer are supported. Use one that was trained without the text encoder"
        )
    pairs: dict[tuple[str, str, bool], Pair] = {}
    for key in keys:
        if match := _FACTOR.fullmatch(key):
            layer, factor, adapter = match["layer"], match["factor"], match["adapter"] or ""
            pair = pairs.setdefault((layer, adapter, factor in ("lora_A", "lora_B")), Pair(layer))
            if factor in DOWN:
                pair.down = key
            else:
                pair.up = key
    if not pairs:
        raise CheckpointError(
            f"not a LoRA: none of its {len(keys)} tensors is a factor ({' or '.join(DOWN)}, {' or '.join(UP)}): "
            f"{listing(keys)}. Set the base or `transformer` to use a complete model"
        )
    present = set(keys)
    for pair in pairs.values():
        if not (pair.down and pair.up):
            raise CheckpointError(f"{pair.down or pair.up} has no matching factor; the file is incomplete")
        pair.alpha = alpha if (alpha := f"{pair.layer}.alpha") in present else ""
    return list(pairs.values())


def _check(tensors: Any, pairs: list[Pair], names: Mapping[str, Places], transformer: Transformer) -> None:
    """Raises CheckpointError for layers that this transformer lacks or has in another size."""
    keys, config = sorted(tensors.keys()), transformer.config
    known_pairs = [pair for pair in pairs if pair.name in names]
    used = {key for pair in known_pairs for key in (pair.down, pair.up, pair.alpha)}
    unknown_keys = [key for key in keys if key not in used]
    context = f"this transformer has {config.num_layers} double and {config.num_single_layers} single blocks"
    if any(_FLUX_1.search(key) for key in unknown_keys):
        context += ", and the names are FLUX.1's; use a LoRA for FLUX.2"
    if not known_pairs:
        raise CheckpointError(
            f"none of its {len(keys)} tensors belongs to a FLUX.2 transformer: {listing(unknown_keys)}; {context}"
        )
    mismatches = sorted(_wrong_shapes(tensors, known_pairs, names, transformer))
    if mismatches:
        _, message = mismatches[0]
        raise CheckpointError(f"a LoRA for another model: {message}; {context}")
    if unknown_keys:
        raise CheckpointError(
            f"{len(unknown_keys)} of its {len(keys)} tensors match no layer: {listing(unknown_keys)}; {context}"
        )


def _wrong_shapes(
    tensors: Any, pairs: Iterable[Pair], names: Mapping[str, Places], transformer: Transformer
) -> Iterator[tuple[int, str]]:
    """Yields (rank, message) for each factor with another shape; messages that show the other model's width rank 0."""
    width = transformer.config.width
    for pair in pairs:
        layer: Any = transformer.get_submodule(names[pair.name][0][0])
        rows = layer.out_features * len(names[pair.name])
        down, up = _shape(tensors, pair.down), _shape(tensors, pair.up)
        if len(down) != 2 or len(up) != 2 or down[0] != up[1] or down[0] == 0:
            yield 2, f"expected {pair.down} (rank, in) and {pair.up} (out, rank), got {down} and {up}"
            continue
        for key, shape, size, expected, axes in (
            (pair.down, down, down[1], layer.in_features, "(rank, {})"),
            (pair.up, up, up[0], rows, "({}, rank)"),
        ):
            if size == expected:
                continue
            message = f"{key}: expected {axes.format(expected)}, got {shape}"
            if expected == width:
                yield 0, f"it is for a transformer of width {_models(size)}, this one has {_models(width)}: {message}"
            else:
                yield 1, message


def _shape(tensors: Any, key: str) -> tuple[int, ...]:
    """A factor's shape by the file's header. The kernel of a 1x1 convolution is returned as a matrix."""
    shape = tuple(tensors.get_slice(key).get_shape())
    return shape[:2] if shape[2:] == (1, 1) else shape


def _models(width: int) -> str:
    """A width and the models that have it, for an error."""
    models = [family.name for family in FAMILIES.values() if family.size and family.size.width == width]
    return f"{width} ({', '.join(models)})" if models else str(width)


def _updates(tensors: Any, pair: Pair, places: Places, settings: Mapping[str, Any]) -> Iterator[LoraUpdate]:
    down, up, alpha = _factor(tensors, pair.down), _factor(tensors, pair.up), None
    if pair.alpha:
        alpha = tensors.get_tensor(pair.alpha).float()
        if alpha.numel() != 1 or not alpha.isfinite().all():
            raise CheckpointError(f"{pair.alpha}: expected one finite number, got {alpha.tolist()}")
    for module, place in places:
        scale = _peft_scale(settings, module, len(down)) if alpha is None else float(alpha) / len(down)
        part, rows = down, up.roll(len(up) // 2, dims=0) if place.swapped else up
        if place.third is not None:
            rows = up.chunk(3)[place.third]
            used = (rows != 0).any(dim=0)
            if not used.all():  # three LoRAs, one per third, stored as one LoRA with the sum of their ranks
                part, rows = down[used], rows[:, used]
        yield LoraUpdate(module, part, rows, scale)


def _factor(tensors: Any, key: str) -> Tensor:
    tensor: Tensor = tensors.get_tensor(key).flatten(1)
    if not tensor.is_floating_point() or not tensor.float().isfinite().all():
        raise CheckpointError(f"{key} ({tensor.dtype}): expected finite floating-point numbers; the file is broken")
    return tensor.to(torch.bfloat16) if tensor.itemsize == 1 else tensor


def _peft_settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """PEFT's config, which diffusers stores in a file's metadata; empty if there is none."""
    try:
        raw = dict(json.loads(metadata.get(METADATA, "{}")))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"its metadata {METADATA} isn't a JSON object: {error}") from error
    prefixed = {key.removeprefix("transformer."): raw[key] for key in raw if key.startswith("transformer.")}
    settings = prefixed or {key: value for key, value in raw.items() if not _TEXT_ENCODER.fullmatch(key)}
    if settings.get("use_dora"):
        raise CheckpointError(f"DoRA by its metadata {METADATA} (use_dora); only plain LoRAs are supported. Use one")
    return settings


def _peft_scale(settings: Mapping[str, Any], module: str, rank: int) -> float:
    """lora_alpha / r, or lora_alpha / sqrt(r) for rsLoRA. Patterns of module names can override both values."""
    if not settings:
        return 1.0
    try:
        expected = _by_pattern(settings.get("rank_pattern"), module, settings.get("r", rank))
        alpha = float(_by_pattern(settings.get("alpha_pattern"), module, settings.get("lora_alpha", PEFT_ALPHA)))
    except (AttributeError, TypeError, ValueError, re.error) as error:
        raise CheckpointError(f"its metadata {METADATA} can't be read: {error}") from error
    if expected != rank:
        raise CheckpointError(f"{module} has rank {rank}, but its metadata {METADATA} says {expected}")
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _by_pattern(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value of the first pattern that matches the module's name, or its end after a dot."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
