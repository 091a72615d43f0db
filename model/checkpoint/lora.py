"""A LoRA's file -> what it adds to which layers of a transformer.

Read are the spellings of diffusers and PEFT, of BFL's layout (ComfyUI, ai-toolkit) and of kohya's (sd-scripts, musubi).
A layer is found by its whole name in a table of all the names that this transformer's layers have, and a tensor that
isn't used is an error: nothing is passed over.

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
"""What PEFT takes for a `lora_alpha` that isn't given."""
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
    "a third factor (Tucker)": re.compile(r"\.lora_mid\."),
    "a LoRA's bias": re.compile(r"\.lora_.+\.bias"),
    "whole differences of weights": re.compile(r"\.diff(?:_b)?$"),
}

Places = list[tuple[str, Origin]]


@dataclass(slots=True)
class Pair:
    """The keys of a layer's factors in the file, and of its alpha if it has one. layer: its name there."""

    layer: str
    down: str = ""
    up: str = ""
    alpha: str = ""

    @property
    def name(self) -> str:
        """The layer's name in `spellings`."""
        return _PREFIXES.sub("", self.layer, count=1)


def read_lora(file: Path, transformer: Transformer) -> list[LoraUpdate]:
    """The updates of a LoRA, in the file's dtype on the CPU. Raises CheckpointError for all that isn't one of this
    model; wrong names and shapes are found before any tensor is read."""
    with opened(file, "pt") as tensors:
        try:
            pairs = _pairs(sorted(tensors.keys()))
            names = spellings(transformer)
            _check(tensors, pairs, names, transformer)
            settings = _peft_settings(tensors.metadata() or {})
            return [update for pair in pairs for update in _updates(tensors, pair, names[pair.name], settings)]
        except CheckpointError as error:
            raise CheckpointError(f"{file}: {error}") from None


def spellings(transformer: nn.Module) -> dict[str, Places]:
    """Where a layer's rows go, for each name that it can have in a file: ours and BFL's with dots, and both with
    underscores behind one of kohya's prefixes. BFL's fused query, key and value have three places."""
    names: dict[str, Places] = {}
    for module in _linears(transformer):
        origin = module_origin(module)
        for dotted, place in ((module, Origin(module)), (origin.name, origin)):
            for name in (dotted, *(prefix + dotted.replace(".", "_") for prefix in UNDERSCORED)):
                names.setdefault(name, []).append((module, place))
    return names


def _linears(transformer: nn.Module) -> list[str]:
    """The names of the linear layers of any kind, without those that are part of one."""
    found = {name for name, module in transformer.named_modules() if hasattr(module, "in_features")}
    return [name for name, _ in transformer.named_modules() if name in found and name.rpartition(".")[0] not in found]


def _pairs(keys: list[str]) -> list[Pair]:
    """The layers by the names of their factors. Raises CheckpointError for half a pair and what is no LoRA."""
    for kind, pattern in _OTHER_KINDS.items():
        if found := [key for key in keys if pattern.search(key)]:
            raise CheckpointError(
                f"{len(found)} of its {len(keys)} tensors are {kind}: {listing(found)}; brandpress reads plain LoRA. "
                "Take one, or merge this file into a transformer elsewhere and name that as `transformer`"
            )
    if found := [key for key in keys if _TEXT_ENCODER.fullmatch(key)]:
        raise CheckpointError(
            f"{len(found)} of its {len(keys)} tensors are for a text encoder: {listing(found)}; brandpress adds LoRAs "
            "to the transformer. Take one that was trained without the text encoder"
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
            f"{listing(keys)}. A whole model is named as the base or as `transformer`"
        )
    present = set(keys)
    for pair in pairs.values():
        if not (pair.down and pair.up):
            raise CheckpointError(f"{pair.down or pair.up} stands without its other factor; the file is incomplete")
        pair.alpha = alpha if (alpha := f"{pair.layer}.alpha") in present else ""
    return list(pairs.values())


def _check(tensors: Any, pairs: list[Pair], names: Mapping[str, Places], transformer: Transformer) -> None:
    """Raise CheckpointError for layers that this transformer hasn't, or has in other sizes."""
    keys, config = sorted(tensors.keys()), transformer.config
    known = [pair for pair in pairs if pair.name in names]
    used = {key for pair in known for key in (pair.down, pair.up, pair.alpha)}
    strangers = [key for key in keys if key not in used]
    here = f"this transformer has {config.num_layers} double and {config.num_single_layers} single blocks"
    if any(_FLUX_1.search(key) for key in strangers):
        here += ", and the names are FLUX.1's; a LoRA of FLUX.2 is needed"
    if not known:
        raise CheckpointError(
            f"none of its {len(keys)} tensors belongs to a FLUX.2 transformer: {listing(strangers)}; {here}"
        )
    wrong = sorted(_wrong_shapes(tensors, known, names, transformer))
    if wrong:
        _, told = wrong[0]
        raise CheckpointError(f"a LoRA of another model: {told}; {here}")
    if strangers:
        raise CheckpointError(
            f"{len(strangers)} of its {len(keys)} tensors belong to no layer: {listing(strangers)}; {here}"
        )


def _wrong_shapes(
    tensors: Any, pairs: Iterable[Pair], names: Mapping[str, Places], transformer: Transformer
) -> Iterator[tuple[int, str]]:
    """A sentence for each factor of another shape; those that tell the other model's width are numbered 0."""
    width = transformer.config.width
    for pair in pairs:
        layer: Any = transformer.get_submodule(names[pair.name][0][0])
        rows = layer.out_features * len(names[pair.name])
        down, up = _shape(tensors, pair.down), _shape(tensors, pair.up)
        if len(down) != 2 or len(up) != 2 or down[0] != up[1] or down[0] == 0:
            yield 2, f"{pair.down} is {down} and {pair.up} is {up}; (rank, in) and (out, rank) are needed"
            continue
        for key, shape, size, wanted, axes in (
            (pair.down, down, down[1], layer.in_features, "(rank, {})"),
            (pair.up, up, up[0], rows, "({}, rank)"),
        ):
            if size == wanted:
                continue
            told = f"{key} is {shape}, {axes.format(wanted)} is needed"
            if wanted == width:
                yield 0, f"it is for a transformer of width {_named(size)}, this one has {_named(width)}: {told}"
            else:
                yield 1, told


def _shape(tensors: Any, key: str) -> tuple[int, ...]:
    """A factor's shape by the file's head; a convolution of one pixel is a matrix."""
    shape = tuple(tensors.get_slice(key).get_shape())
    return shape[:2] if shape[2:] == (1, 1) else shape


def _named(width: int) -> str:
    """A width with the models that have it."""
    models = [family.name for family in FAMILIES.values() if family.size and family.size.width == width]
    return f"{width} ({', '.join(models)})" if models else str(width)


def _updates(tensors: Any, pair: Pair, places: Places, settings: Mapping[str, Any]) -> Iterator[LoraUpdate]:
    down, up, alpha = _factor(tensors, pair.down), _factor(tensors, pair.up), None
    if pair.alpha:
        alpha = tensors.get_tensor(pair.alpha).float()
        if alpha.numel() != 1 or not alpha.isfinite().all():
            raise CheckpointError(f"{pair.alpha} is {alpha.tolist()}; one finite number is needed")
    for module, place in places:
        scale = _peft_scale(settings, module, len(down)) if alpha is None else float(alpha) / len(down)
        part, rows = down, up.roll(len(up) // 2, dims=0) if place.swapped else up
        if place.third is not None:
            rows = up.chunk(3)[place.third]
            used = (rows != 0).any(dim=0)
            if not used.all():  # three LoRAs, one for each third, stored as one of their ranks' sum
                part, rows = down[used], rows[:, used]
        yield LoraUpdate(module, part, rows, scale)


def _factor(tensors: Any, key: str) -> Tensor:
    tensor: Tensor = tensors.get_tensor(key).flatten(1)
    if not tensor.is_floating_point() or not tensor.float().isfinite().all():
        raise CheckpointError(f"{key} ({tensor.dtype}) isn't made of finite floating-point numbers; the file is broken")
    return tensor.to(torch.bfloat16) if tensor.itemsize == 1 else tensor


def _peft_settings(metadata: Mapping[str, str]) -> dict[str, Any]:
    """PEFT's config as diffusers keeps it in a file's metadata, empty if it doesn't."""
    try:
        raw = dict(json.loads(metadata.get(METADATA, "{}")))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"its metadata {METADATA} isn't a JSON object: {error}") from error
    prefixed = {key.removeprefix("transformer."): raw[key] for key in raw if key.startswith("transformer.")}
    settings = prefixed or {key: value for key, value in raw.items() if not _TEXT_ENCODER.fullmatch(key)}
    if settings.get("use_dora"):
        raise CheckpointError(f"DoRA by its metadata {METADATA} (use_dora); brandpress reads plain LoRA. Take one")
    return settings


def _peft_scale(settings: Mapping[str, Any], module: str, rank: int) -> float:
    """lora_alpha / r, of rsLoRA lora_alpha / sqrt(r); patterns of module names give some modules their own."""
    if not settings:
        return 1.0
    try:
        asked = _by_pattern(settings.get("rank_pattern"), module, settings.get("r", rank))
        alpha = float(_by_pattern(settings.get("alpha_pattern"), module, settings.get("lora_alpha", PEFT_ALPHA)))
    except (AttributeError, TypeError, ValueError, re.error) as error:
        raise CheckpointError(f"its metadata {METADATA} can't be read: {error}") from error
    if asked != rank:
        raise CheckpointError(f"{module} has rank {rank} and by the metadata {METADATA} {asked}; one of them is wrong")
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _by_pattern(patterns: Mapping[str, Any] | None, module: str, default: Any) -> Any:
    """The value of the first pattern that matches the module's name, or its end behind a dot."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
