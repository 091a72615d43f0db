"""How much memory a model needs, and which residency fits. Reads the headers of weight files only. No torch here.

Residency: `resident` keeps all parts on the device. `offload` keeps either the text encoder or the transformer there:
all prompts of a group of pictures are encoded, the text encoder is offloaded, the pictures are rendered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.memory.weight_bytes import (
    block_count,
    text_encoder_bytes,
    transformer_bytes,
    transformer_width,
    weight_bytes,
)
from brandpress.model.network.untiled import MAX_UNTILED_ELEMENTS
from brandpress.model.request import SIZE_MULTIPLE

Residency = Literal["resident", "offload"]
RESIDENCIES: dict[str, Residency] = {"resident": "resident", "offload": "offload"}
RECORDED_RESIDENCY: dict[Residency, str] = {"resident": "resident", "offload": "turns"}
"""How records and `--json` spell a residency. Stores already hold records with `turns`."""

MARGIN = 0.9
"""The share of a worker's budget that plans can use. The rest is for the driver and for fragmentation."""

OTHERS_SHARE = 0.05
"""Errors mention other processes if they hold more than this share of a device. A driver alone holds less."""

CPU_PACKED_ROWS = 512
"""On a CPU, pictures go through the transformer together up to this number of rows: more than 512 gain nothing, and
4,096 are a fifth slower (measured). On a GPU every picture has its own pass: cuBLAS chooses its kernel by the number of
rows, so a picture in bfloat16 would depend on the others in its batch (measured: by 0.012 standard deviations of its
latents)."""

ACTIVATIONS_PER_TOKEN = 32
"""In multiples of the width: what the largest block holds per token (q, k, v, the feed-forward's halves, copies).
Measured on a CPU: 22 in a double block, 27 in a single one. The rest is for memory that allocators can't reuse."""

DECODER_CHANNELS, ENCODER_CHANNELS = 256, 128
UNTILED_COPIES, TILED_COPIES = 3.5, 2.0
"""How many copies of the decoder's largest activation exist at the same time. Measured: 3.4 in one piece, 1.5 in tiles.
Activations of up to MAX_UNTILED_ELEMENTS are computed in one piece (see `brandpress.model.network.tiled`)."""


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest picture that memory is planned for.

    width, height: in pixels. reference_tokens: of one picture's references together. approximate: whether any picture
    uses `reuse: approximate`. upsample: whether any prompt is rewritten.
    """

    width: int = 1024
    height: int = 1024
    reference_tokens: int = 0
    approximate: bool = False
    upsample: bool = False


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """A device's memory in bytes.

    name: for messages. free: what this process can use of `total`, including memory that its allocator holds unused.
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

    transformer, text_encoder, autoencoder: weights. work: a picture's activations and what is cached between steps.
    reference_set: the part of `work` for the largest reference set's keys and values, in models that cache them.
    in_one_piece: `work` if the decoder runs in one piece, which is faster; `work` itself if it always does. upsampler:
    the weights of the language model that rewrites prompts; 0 if none is rewritten.
    """

    transformer: int
    text_encoder: int
    autoencoder: int
    work: int
    reference_set: int = 0
    in_one_piece: int = 0
    upsampler: int = 0

    @property
    def resident(self) -> int:
        """What the device needs with all parts on it, or while prompts are rewritten if that is more."""
        return max(self.transformer + self.text_encoder + self.autoencoder + self.work, self._rewriting)

    @property
    def offloaded(self) -> int:
        """What the device needs with either the text encoder or the transformer on it, or while prompts are rewritten
        if that is more."""
        return max(self.autoencoder + self.work + max(self.transformer, self.text_encoder), self._rewriting)

    @property
    def _rewriting(self) -> int:
        """What the device needs while prompts are rewritten: text encoder and transformer are offloaded then."""
        return self.autoencoder + self.upsampler

    def spare(self, residency: Residency, memory: DeviceMemory) -> int:
        """Returns the bytes left for caches: one worker's part of what is free now, minus the need."""
        needed = self.resident if residency == "resident" else self.offloaded
        available = min(memory.budget, memory.free // memory.workers)
        return max(0, int(available * MARGIN) - needed)


def need_of(model: ModelDescription, item_bytes: int, largest: Largest) -> Need:
    """Returns what a model needs for the largest picture. item_bytes: of the dtype. Raises CheckpointError."""
    parts = model.parts
    if parts is None:
        return Need(0, 0, 0, 0)
    transformer, autoencoder = open_weights(parts.transformer), open_weights(parts.vae, "vae")
    pixels = largest.width * largest.height
    tokens = model.text_length + pixels // SIZE_MULTIPLE**2 + largest.reference_tokens
    hidden = transformer_width(transformer)
    # KV models run the references in a separate pass, before any picture.
    running = max(tokens - largest.reference_tokens, largest.reference_tokens) if model.kv else tokens
    denoise = ACTIVATIONS_PER_TOKEN * hidden * max(running, CPU_PACKED_ROWS) * item_bytes
    row = 2 * block_count(transformer) * hidden * item_bytes
    activation = DECODER_CHANNELS * pixels
    untiled, tiled = (int(copies * activation) * item_bytes for copies in (UNTILED_COPIES, TILED_COPIES))
    reference = ENCODER_CHANNELS * min(largest.reference_tokens * SIZE_MULTIPLE**2, model.reference_pixels)
    encode = int((UNTILED_COPIES if reference <= MAX_UNTILED_ELEMENTS else TILED_COPIES) * reference) * item_bytes
    before_decoding = max(denoise, encode)
    cached = row * _cached_rows(model, largest, tokens)
    return Need(
        transformer=transformer_bytes(model, parts, item_bytes),
        text_encoder=text_encoder_bytes(model, parts, item_bytes),
        autoencoder=weight_bytes(autoencoder, item_bytes),
        work=max(before_decoding, untiled if activation <= MAX_UNTILED_ELEMENTS else tiled) + cached,
        in_one_piece=max(before_decoding, untiled) + cached,
        reference_set=row * largest.reference_tokens if model.kv else 0,
        upsampler=weight_bytes(open_weights(parts.text_encoder, "text_encoder"), item_bytes) if largest.upsample else 0,
    )


def _cached_rows(model: ModelDescription, largest: Largest, tokens: int) -> int:
    """Returns the rows whose keys and values are cached between steps: the references' and the picture's own.

    In models with `kv`, all pictures of a reference set share them. With `reuse: approximate`, every picture of a pass
    has its own, twice if it has a second pass.
    """
    if not largest.reference_tokens:
        return 0
    if model.kv:
        return tokens
    return max(tokens, CPU_PACKED_ROWS) * (1 if model.distilled else 2) if largest.approximate else 0


def packed_rows(device: str) -> int:
    """Returns the maximum rows of a pass over several pictures; 1 means one picture per pass. device: its type."""
    return CPU_PACKED_ROWS if device == "cpu" else 1


def with_room(need: Need, memory: DeviceMemory) -> Need:
    """Returns the need with the decoder in one piece, which is faster on a GPU, if it fits with the same residency."""
    untiled = replace(need, work=max(need.work, need.in_one_piece))
    if need.resident <= memory.usable:
        return untiled if untiled.resident <= memory.usable else need
    return untiled if untiled.offloaded <= memory.usable else need


def choose(need: Need, memory: DeviceMemory) -> Residency:
    """Returns the residency that fits. Raises CheckpointError with the numbers if none does."""
    if need.resident <= memory.usable:
        return "resident"
    if need.offloaded <= memory.usable:
        return "offload"
    parts = ", ".join(f"{part} {gigabytes(count)}" for part, count in listed_bytes(need).items())
    without = "leave out `upsample`, " if need.upsampler else ""
    raise CheckpointError(
        f"the model doesn't fit: with offloading it needs {gigabytes(need.offloaded)} ({parts}), and {_room(memory)}; "
        f"{without}use an fp8 file, `quantise: fp8`, a smaller model, smaller pictures, fewer references"
        f"{_more_room(memory)}"
    )


def listed_bytes(need: Need) -> dict[str, int]:
    """Returns the bytes of a need's parts, keyed as texts name them."""
    rewriting = {"before that, the model that rewrites prompts": need.upsampler} if need.upsampler else {}
    parts = {"transformer": need.transformer, "text encoder": need.text_encoder, "autoencoder": need.autoencoder}
    return {**parts, "one picture": need.work, **rewriting}


def _room(memory: DeviceMemory) -> str:
    """Returns a clause for an error: how much of a device can be used, and why not more."""
    held = memory.total - memory.free
    each = f" by each of {memory.workers} workers" if memory.workers > 1 else ""
    others = f", of which {gigabytes(memory.free)} are free (other processes hold {gigabytes(held)})"
    why = others if held > OTHERS_SHARE * memory.total else ""
    return f"{gigabytes(memory.usable)} can be used{each} on {memory.name}, which has {gigabytes(memory.total)}{why}"


def _more_room(memory: DeviceMemory) -> str:
    fewer = ", fewer workers on a GPU" if memory.workers > 1 else ""
    return f"{fewer} or another GPU"


def gigabytes(count: int) -> str:
    """Formats bytes as `33.0 GB` or `5.2 MB`, in powers of ten like the labels of GPUs."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
