"""The names of a LoRA's tensors: pairs of factors, and the layers of a transformer that they update. No torch here.

Supported layer names: diffusers and PEFT, BFL's layout (ComfyUI, ai-toolkit) and kohya's (sd-scripts, musubi). A layer
is looked up by its full name in a table of all names that this transformer's layers have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from brandpress.model.checkpoint.bfl import Origin, module_origin
from brandpress.model.checkpoint.weights import listing
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.network.config import TransformerConfig

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

Shape = tuple[int, ...]
Places = list[tuple[str, Origin]]
"""The modules that a LoRA layer updates, each with the rows of the up factor that it takes."""


@dataclass(frozen=True, slots=True)
class Target:
    """The transformer that a LoRA is for. linears: the sizes (out, in) of its linear layers by name."""

    config: TransformerConfig
    linears: Mapping[str, tuple[int, int]]


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


def check(shapes: Mapping[str, Shape], target: Target) -> tuple[list[Pair], dict[str, Places]]:
    """Returns the pairs of factors in a file, and the modules that each layer name stands for. shapes: by key.

    Raises CheckpointError for other kinds of files, and for layers that this transformer lacks or has in another size.
    """
    pairs = _pairs(sorted(shapes))
    places = layer_places(target.linears)
    _check(shapes, pairs, places, target)
    return pairs, places


def layer_places(modules: Iterable[str]) -> dict[str, Places]:
    """The modules that a LoRA layer updates, keyed by each name that it can have in a file.

    These are our and BFL's names with dots, and both with underscores after one of kohya's prefixes. BFL's fused query,
    key and value update three modules.
    """
    names: dict[str, Places] = {}
    for module in modules:
        origin = module_origin(module)
        for dotted, place in ((module, Origin(module)), (origin.name, origin)):
            for name in (dotted, *(prefix + dotted.replace(".", "_") for prefix in UNDERSCORED)):
                names.setdefault(name, []).append((module, place))
    return names


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


def _check(shapes: Mapping[str, Shape], pairs: list[Pair], names: Mapping[str, Places], target: Target) -> None:
    """Raises CheckpointError for layers that this transformer lacks or has in another size."""
    keys, config = sorted(shapes), target.config
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
    mismatches = sorted(_wrong_shapes(shapes, known_pairs, names, target))
    if mismatches:
        _, message = mismatches[0]
        raise CheckpointError(f"a LoRA for another model: {message}; {context}")
    if unknown_keys:
        raise CheckpointError(
            f"{len(unknown_keys)} of its {len(keys)} tensors match no layer: {listing(unknown_keys)}; {context}"
        )


def _wrong_shapes(
    shapes: Mapping[str, Shape], pairs: Iterable[Pair], names: Mapping[str, Places], target: Target
) -> Iterator[tuple[int, str]]:
    """Yields (rank, message) for each factor with another shape; messages that show the other model's width rank 0."""
    width = target.config.width
    for pair in pairs:
        outputs, inputs = target.linears[names[pair.name][0][0]]
        rows = outputs * len(names[pair.name])
        down, up = matrix_shape(shapes[pair.down]), matrix_shape(shapes[pair.up])
        if len(down) != 2 or len(up) != 2 or down[0] != up[1] or down[0] == 0:
            yield 2, f"expected {pair.down} (rank, in) and {pair.up} (out, rank), got {down} and {up}"
            continue
        for key, actual, size, expected, axes in (
            (pair.down, down, down[1], inputs, "(rank, {})"),
            (pair.up, up, up[0], rows, "({}, rank)"),
        ):
            if size == expected:
                continue
            message = f"{key}: expected {axes.format(expected)}, got {actual}"
            if expected == width:
                yield 0, f"it is for a transformer of width {_models(size)}, this one has {_models(width)}: {message}"
            else:
                yield 1, message


def matrix_shape(shape: Shape) -> Shape:
    """Returns the shape of a factor; the kernel of a 1x1 convolution is a matrix."""
    return shape[:2] if shape[2:] == (1, 1) else shape


def _models(width: int) -> str:
    """A width and the models that have it, for an error."""
    models = [family.name for family in FAMILIES.values() if family.size and family.size.width == width]
    return f"{width} ({', '.join(models)})" if models else str(width)
