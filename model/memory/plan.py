"""How much memory a model needs, and which residency fits. Reads the headers of weight files only. No torch here.

Residency: `resident` keeps all parts on the device. `offload` keeps either the text encoder or the transformer there:
all prompts of a group of pictures are encoded, the text encoder is offloaded, the pictures are rendered.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.weights import SIDES, Weights, open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.network.untiled import MAX_UNTILED_ELEMENTS
from brandpress.model.request import SIZE_MULTIPLE

Residency = Literal["resident", "offload"]
RESIDENCIES: dict[str, Residency] = {"resident": "resident", "offload": "offload"}
RECORDED_RESIDENCY: dict[Residency, str] = {"resident": "resident", "offload": "turns"}
"""How records and `--json` spell a residency. Stores already hold records with `turns`."""

MARGIN = 0.9
"""The share of a device's free memory that can be used. The rest is for the driver and for fragmentation."""

OTHERS_SHARE = 0.05
"""From this share of a device's memory on, errors mention what other processes hold. A driver alone holds less."""

CPU_PACKED_ROWS = 512
"""On a CPU, pictures go through the transformer together up to this number of rows: more than 512 gain nothing, and
4,096 cost a fifth (measured). On a GPU every picture goes alone: cuBLAS chooses its kernel by the number of rows, so a
picture in bfloat16 would depend on the others in its batch (measured: by 0.012 standard deviations of its latents)."""

ACTIVATIONS_PER_TOKEN = 32
"""In multiples of the width: what the largest block holds per token (q, k, v, the feed-forward's halves, copies).
Measured on a CPU: 22 in a double block, 27 in a single one. The rest is for memory that allocators can't reuse."""

DECODER_CHANNELS, ENCODER_CHANNELS = 256, 128
UNTILED_COPIES, TILED_COPIES = 3.5, 2.0
"""How many copies of the decoder's largest activation exist at the same time. Measured: 3.4 in one piece, 1.5 in tiles.
Activations of up to MAX_UNTILED_ELEMENTS are computed in one piece (see `brandpress.model.network.tiled`)."""

STATISTICS = ("running_mean", "running_var")
"""Tensors that stay in float32 in every dtype."""

FLOATS = ("F64", "F32", "F16", "BF16")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_NOT_TRUNK = re.compile(r"(?:^|\.)(lm_head|vision_tower|multi_modal_projector|visual)\.")
_BLOCK_LINEAR = re.compile(r"(?:double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\..*\.weight")


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest picture that memory is planned for.

    width, height: in pixels. reference_tokens: the most tokens that one picture's references have in all. approximate:
    whether some picture uses `reuse: approximate`.
    """

    width: int = 1024
    height: int = 1024
    reference_tokens: int = 0
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device's memory in bytes.

    name: for people. free: what this process can use of `total`, with memory that it has reserved but doesn't use.
    workers: how many share the device. before: what was free before any of them had loaded a model; None if unknown.
    """

    name: str
    total: int
    free: int
    workers: int = 1
    before: int | None = None

    @property
    def budget(self) -> int:
        """What one worker can use: an equal part of what was free before any had loaded, but no more than is free."""
        before = self.free if self.before is None else max(self.before, self.free)
        return min(before // self.workers, self.free)

    @property
    def usable(self) -> int:
        """The part of the budget that plans can use."""
        return int(self.budget * MARGIN)


@dataclass(frozen=True, slots=True)
class Need:
    """The bytes that a model and its largest picture need. `--json` shows these fields.

    transformer, text_encoder, autoencoder: weights. work: a picture's activations, with what is kept between steps.
    reference_set: the part of `work` for the largest reference set's keys and values, in models that keep them.
    in_one_piece: `work` if the decoder runs in one piece, which is faster; 0 if it always does.
    """

    transformer: int
    text_encoder: int
    autoencoder: int
    work: int
    reference_set: int = 0
    in_one_piece: int = 0

    @property
    def resident(self) -> int:
        """What the device needs with all parts on it."""
        return self.transformer + self.text_encoder + self.autoencoder + self.work

    @property
    def offloaded(self) -> int:
        """What the device needs with either the text encoder or the transformer on it."""
        return self.autoencoder + self.work + max(self.transformer, self.text_encoder)

    def spare(self, residency: Residency, memory: DeviceMemory) -> int:
        """Returns the bytes left for caches: of what is free now, one worker's part minus its needs."""
        needed = self.resident if residency == "resident" else self.offloaded
        available = min(memory.budget, memory.free // memory.workers)
        return max(0, int(available * MARGIN) - needed)


def need_of(model: ModelDescription, item_bytes: int, largest: Largest) -> Need:
    """Returns what a model needs for the largest picture. item_bytes: of the dtype. Raises CheckpointError."""
    parts = model.parts
    if parts is None:
        return Need(0, 0, 0, 0)
    transformer, autoencoder = open_weights(parts.transformer), open_weights(parts.vae)
    quantised = model.choice.quantise == "fp8"
    pixels = largest.width * largest.height
    tokens = model.text_length + pixels // SIZE_MULTIPLE**2 + largest.reference_tokens
    hidden = _width(transformer)
    # KV models run the references in a pass of their own, before any picture.
    running = max(tokens - largest.reference_tokens, largest.reference_tokens) if model.kv else tokens
    denoise = ACTIVATIONS_PER_TOKEN * hidden * max(running, CPU_PACKED_ROWS) * item_bytes
    row = 2 * _blocks(transformer) * hidden * item_bytes
    activation = DECODER_CHANNELS * pixels
    untiled, tiled = (int(copies * activation) * item_bytes for copies in (UNTILED_COPIES, TILED_COPIES))
    reference = ENCODER_CHANNELS * min(largest.reference_tokens * SIZE_MULTIPLE**2, model.reference_pixels)
    encode = int((UNTILED_COPIES if reference <= MAX_UNTILED_ELEMENTS else TILED_COPIES) * reference) * item_bytes
    before_decoding = max(denoise, encode)
    kept = row * _kept_rows(model, largest, tokens)
    return Need(
        transformer=sum(_bytes(transformer, name, item_bytes, quantised) for name in transformer),
        text_encoder=_text_bytes(model, parts, item_bytes),
        autoencoder=sum(_bytes(autoencoder, name, item_bytes) for name in autoencoder),
        work=max(before_decoding, untiled if activation <= MAX_UNTILED_ELEMENTS else tiled) + kept,
        in_one_piece=max(before_decoding, untiled) + kept,
        reference_set=row * largest.reference_tokens if model.kv else 0,
    )


def _kept_rows(model: ModelDescription, largest: Largest, tokens: int) -> int:
    """Returns the rows whose keys and values are kept between steps: the references' and those of the picture itself.

    In models with `kv`, all pictures of a reference set share them. With `reuse: approximate`, every picture of a pass
    has its own, twice if it has a second pass.
    """
    if not largest.reference_tokens:
        return 0
    if model.kv:
        return tokens
    return max(tokens, CPU_PACKED_ROWS) * (1 if model.distilled else 2) if largest.approximate else 0


def packed_rows(device: str) -> int:
    """Returns the most rows of a pass over several pictures; 1 gives every picture its own. device: its type."""
    return CPU_PACKED_ROWS if device == "cpu" else 1


def with_room(need: Need, memory: DeviceMemory) -> Need:
    """Returns the need with a decoder in one piece, which is faster on a GPU, if that fits with the same residency."""
    whole = replace(need, work=max(need.work, need.in_one_piece))
    if need.resident <= memory.usable:
        return whole if whole.resident <= memory.usable else need
    return whole if whole.offloaded <= memory.usable else need


def choose(need: Need, memory: DeviceMemory) -> Residency:
    """Returns the residency that fits. Raises CheckpointError with the numbers if none does."""
    if need.resident <= memory.usable:
        return "resident"
    if need.offloaded <= memory.usable:
        return "offload"
    raise CheckpointError(
        f"the model doesn't fit: with offloading it needs {gigabytes(need.offloaded)} (transformer "
        f"{gigabytes(need.transformer)}, text encoder {gigabytes(need.text_encoder)}, autoencoder "
        f"{gigabytes(need.autoencoder)}, one picture {gigabytes(need.work)}), and {_room(memory)}; use an fp8 file, "
        f"`quantise: fp8`, a smaller model, smaller pictures, fewer references{_more_room(memory)}"
    )


def _room(memory: DeviceMemory) -> str:
    """Says how much of a device can be used, and why it isn't more."""
    held = memory.total - memory.free
    each = f" by each of {memory.workers} workers" if memory.workers > 1 else ""
    others = f", of which {gigabytes(memory.free)} are free (other processes hold {gigabytes(held)})"
    why = others if held > OTHERS_SHARE * memory.total else ""
    return f"{gigabytes(memory.usable)} can be used{each} on {memory.name}, which has {gigabytes(memory.total)}{why}"


def _more_room(memory: DeviceMemory) -> str:
    fewer = ", fewer workers on a GPU" if memory.workers > 1 else ""
    return f"{fewer} or another GPU"


def machine_memory() -> int:
    """Returns the bytes of memory that this machine has or its container is limited to."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def gigabytes(count: int) -> str:
    """Formats bytes as `33.0 GB` or `5.2 MB`, in powers of ten like the labels of GPUs."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _bytes(weights: Weights, name: str, item_bytes: int, quantised: bool = False) -> int:
    """Returns what a tensor of a file takes in memory."""
    if name.endswith(SIDES):
        return 0
    count, dtype = math.prod(weights.shape(name)), weights.dtype(name)
    if dtype == "U8" and name.endswith(".weight"):
        count, dtype = 2 * count, "BF16"  # NVFP4 is expanded to dense weights
    if dtype not in FLOATS:
        return count if dtype.startswith("F8") and name.endswith(".weight") else 0
    if name.endswith(STATISTICS):
        return 4 * count
    in_fp8 = quantised and len(weights.shape(name)) == 2 and _BLOCK_LINEAR.fullmatch(name)
    return count if in_fp8 else count * item_bytes


def _text_bytes(model: ModelDescription, parts: Parts, item_bytes: int) -> int:
    weights = open_weights(parts.text_encoder)
    last = max(model.text_layers or _family_layers(model, parts))
    total = 0
    for name in weights:
        layer = _LAYER.search(name)
        if not _NOT_TRUNK.search(name) and (layer is None or int(layer[1]) < last):
            total += _bytes(weights, name, item_bytes)
    return total


def _family_layers(model: ModelDescription, parts: Parts) -> tuple[int, ...]:
    family = FAMILIES.get(model.family)
    if family is not None and family.text_encoder is not None:
        return family.text_encoder.layers
    config = read_json(parts.text_config) if parts.text_config else {}
    depth = config.get("text_config", config).get("num_hidden_layers", 0)
    return (max(1, depth * 3 // 4),)


def _width(transformer: Weights) -> int:
    for name in ("img_in.weight", "x_embedder.weight"):
        if name in transformer:
            return transformer.shape(name)[0]
    return 0


def _blocks(transformer: Weights) -> int:
    return len({".".join(name.split(".")[:2]) for name in transformer if "blocks." in name})
