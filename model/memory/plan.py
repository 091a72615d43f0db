"""How much memory a model needs, and how its parts share it. Reads headers of files, no weights; no torch here.

Residency: `resident` keeps everything in memory. `turns` holds the text encoder and the transformer one after the
other: all prompts of a group of pictures are encoded, the encoder is let go of, the pictures are rendered.
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

Residency = Literal["resident", "turns"]
RESIDENCIES: dict[str, Residency] = {"resident": "resident", "turns": "turns"}
MARGIN = 0.9
"""The share of a device's free memory that is planned with: the rest goes to its driver and to fragments."""

OTHERS_SHARE = 0.05
"""Of a device's memory: what other processes hold is told of from there on. A driver alone holds less."""

CPU_PACKED_ROWS = 512
"""On a CPU pictures go through the transformer together while their rows are no more: it gains nothing beyond 512
(measured) and loses a fifth at 4,096. On a GPU each goes alone: which kernel cuBLAS takes depends on the number of
rows, so that a picture in bfloat16 would depend on its company (measured: 0.012 standard deviations of its latents)."""

ACTIVATIONS_PER_TOKEN = 32
"""Times the width: what the largest block holds of each token at once (q, k, v, the feed-forward's halves, copies).
Measured on a CPU: 22 in a double block, 27 in a single one; the rest is for what allocators can't use again."""

DECODER_CHANNELS, ENCODER_CHANNELS = 256, 128
PLAIN_COPIES, BAND_COPIES = 3.5, 2.0
"""How many of the decoder's largest activations are held at once, measured: in one piece 3.4, in bands 1.5 (see
`brandpress.model.network.tiled`, which says up to which size they're made in one piece)."""

STATISTICS = ("running_mean", "running_var")
"""Tensors that stay in float32 whatever is computed in."""

FLOATS = ("F64", "F32", "F16", "BF16")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_NOT_TRUNK = re.compile(r"(?:^|\.)(lm_head|vision_tower|multi_modal_projector|visual)\.")
_BLOCK_LINEAR = re.compile(r"(?:double_blocks|single_blocks|transformer_blocks|single_transformer_blocks)\..*\.weight")


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest picture to come, the most tokens that its references have together, and whether some picture is to
    be made with `reuse: approximate`."""

    width: int = 1024
    height: int = 1024
    reference_tokens: int = 0
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device's memory in bytes. name: of the device, as people know it. free: what this process can have of `total`:
    what is free, and what it holds itself and can use again. workers: how many share the device. before: what was free
    when none of them had loaded, where that is known; what they hold since is theirs, and what was held then isn't."""

    name: str
    total: int
    free: int
    workers: int = 1
    before: int | None = None

    @property
    def budget(self) -> int:
        """What a worker's model may need: its part of what was free before any had loaded, and no more than is free."""
        before = self.free if self.before is None else max(self.before, self.free)
        return min(before // self.workers, self.free)

    @property
    def usable(self) -> int:
        """What of the budget is planned with."""
        return int(self.budget * MARGIN)


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes: weights of each part, and what a picture takes besides them. reference_set: of that, the keys and values
    of the largest reference set, where a model keeps them. in_one_piece: the work where the decoder isn't made to save
    memory; 0 where it never is."""

    transformer: int
    text_encoder: int
    autoencoder: int
    work: int
    reference_set: int = 0
    in_one_piece: int = 0

    @property
    def resident(self) -> int:
        return self.transformer + self.text_encoder + self.autoencoder + self.work

    @property
    def turns(self) -> int:
        return self.autoencoder + self.work + max(self.transformer, self.text_encoder)

    def spare(self, residency: Residency, memory: DeviceMemory) -> int:
        """What is left of a device, for caches that nothing depends on: of what is free now, each worker's part."""
        needed = self.resident if residency == "resident" else self.turns
        left = min(memory.budget, memory.free // memory.workers)
        return max(0, int(left * MARGIN) - needed)


def need_of(model: ModelDescription, item_bytes: int, largest: Largest) -> Need:
    """What a job needs. item_bytes: of the dtype that is computed in. Raises CheckpointError."""
    parts = model.parts
    if parts is None:
        return Need(0, 0, 0, 0)
    transformer, autoencoder = open_weights(parts.transformer), open_weights(parts.vae)
    quantised = model.choice.quantise == "fp8"
    pixels = largest.width * largest.height
    tokens = model.text_length + pixels // SIZE_MULTIPLE**2 + largest.reference_tokens
    hidden = _width(transformer)
    # References of KV models run by themselves, before any picture does.
    running = max(tokens - largest.reference_tokens, largest.reference_tokens) if model.kv else tokens
    denoise = ACTIVATIONS_PER_TOKEN * hidden * max(running, CPU_PACKED_ROWS) * item_bytes
    row = 2 * _blocks(transformer) * hidden * item_bytes
    activation = DECODER_CHANNELS * pixels
    whole, bands = (int(copies * activation) * item_bytes for copies in (PLAIN_COPIES, BAND_COPIES))
    reference = ENCODER_CHANNELS * min(largest.reference_tokens * SIZE_MULTIPLE**2, model.reference_pixels)
    encode = int((PLAIN_COPIES if reference <= MAX_UNTILED_ELEMENTS else BAND_COPIES) * reference) * item_bytes
    before = max(denoise, encode)
    kept = row * _kept_rows(model, largest, tokens)
    return Need(
        transformer=sum(_bytes(transformer, name, item_bytes, quantised) for name in transformer),
        text_encoder=_text_bytes(model, parts, item_bytes),
        autoencoder=sum(_bytes(autoencoder, name, item_bytes) for name in autoencoder),
        work=max(before, whole if activation <= MAX_UNTILED_ELEMENTS else bands) + kept,
        in_one_piece=max(before, whole) + kept,
        reference_set=row * largest.reference_tokens if model.kv else 0,
    )


def _kept_rows(model: ModelDescription, largest: Largest, tokens: int) -> int:
    """Rows whose keys and values are kept from step to step: of the references, with room for what runs beside them.

    In models with `kv` pictures of a set have it in common. Of approximate ones each has its own, as many together as
    are packed, and another for a second pass.
    """
    if not largest.reference_tokens:
        return 0
    if model.kv:
        return tokens
    return max(tokens, CPU_PACKED_ROWS) * (1 if model.distilled else 2) if largest.approximate else 0


def packed_rows(device: str) -> int:
    """The most rows of a pass. device: `cpu`, `cuda`."""
    return CPU_PACKED_ROWS if device == "cpu" else 1


def with_room(need: Need, memory: DeviceMemory) -> Need:
    """The need with a decoder in one piece, the faster one on a GPU, where that doesn't change the residency."""
    whole = replace(need, work=max(need.work, need.in_one_piece))
    if need.resident <= memory.usable:
        return whole if whole.resident <= memory.usable else need
    return whole if whole.turns <= memory.usable else need


def choose(need: Need, memory: DeviceMemory) -> Residency:
    """The residency that fits. Raises CheckpointError with the numbers when none does."""
    if need.resident <= memory.usable:
        return "resident"
    if need.turns <= memory.usable:
        return "turns"
    raise CheckpointError(
        f"the model doesn't fit: text encoder and transformer in turns need {gigabytes(need.turns)} (transformer "
        f"{gigabytes(need.transformer)}, text encoder {gigabytes(need.text_encoder)}, autoencoder "
        f"{gigabytes(need.autoencoder)}, one picture {gigabytes(need.work)}), and {_room(memory)}; take an fp8 file, "
        f"`quantise: fp8`, a smaller model, smaller pictures, fewer references{_more_room(memory)}"
    )


def _room(memory: DeviceMemory) -> str:
    """What can be used of a device, and why it isn't more."""
    held = memory.total - memory.free
    each = f" by each of {memory.workers} workers" if memory.workers > 1 else ""
    others = f", of which {gigabytes(memory.free)} are free (other processes hold {gigabytes(held)})"
    why = others if held > OTHERS_SHARE * memory.total else ""
    return f"{gigabytes(memory.usable)} can be used{each} on {memory.name}, which has {gigabytes(memory.total)}{why}"


def _more_room(memory: DeviceMemory) -> str:
    fewer = ", fewer workers on a GPU" if memory.workers > 1 else ""
    return f"{fewer} or another GPU"


def machine_memory() -> int:
    """Bytes of memory that this machine has, or that its container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdecimal() else total


def gigabytes(count: int) -> str:
    """`33.0 GB` or `5.2 MB`, in powers of ten as cards and files are sold."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _bytes(weights: Weights, name: str, item_bytes: int, quantised: bool = False) -> int:
    """What a tensor takes in memory."""
    if name.endswith(SIDES):
        return 0
    count, dtype = math.prod(weights.shape(name)), weights.dtype(name)
    if dtype == "U8" and name.endswith(".weight"):
        count, dtype = 2 * count, "BF16"  # NVFP4, made dense
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
