"""Estimates the memory that a plan needs on a device, and how the model's parts share it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

from brandpress.model.enlarging import sampled_size
from brandpress.model.errors import CheckpointError
from brandpress.model.memory.gpus import visible_gpus
from brandpress.model.memory.host import HostMemory, available_memory, machine_memory
from brandpress.model.memory.plan import DeviceMemory, Largest, Need, Residency, choose, need_of, with_room
from brandpress.model.reference_size import prepared_tokens
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.spec.decode import decoding_bytes

GPU_BYTES, CPU_BYTES = 2, 4
"""Bytes per weight: GPUs compute in bfloat16, CPUs in float32."""

BYTES_PER_PIXEL = 4
"""Of a decoded picture."""


@dataclass(frozen=True)
class MemoryPlan:
    """What a plan needs, and how it fits on the device.

    residency: None if it doesn't fit; `refusal` says why. offloaded_to: where offloaded parts are kept, `memory` or
    `disk`; None if nothing is offloaded or the plan is for another machine. host: available bytes of this machine's
    memory.
    """

    need: Need
    device: DeviceMemory
    residency: Residency | None
    refusal: str | None
    offloaded_to: str | None = None
    host: int = 0


@dataclass(frozen=True, slots=True)
class ReferenceMemory:
    """What a worker needs for reference pictures, in bytes of the machine's memory.

    kept: the pixels of the variant with most, scaled down to what the model reads. decoding: of the largest picture,
    while it is scaled down; large pictures are decoded one at a time.
    """

    kept: int
    decoding: int


def reference_memory(plan: Plan) -> ReferenceMemory:
    """Returns what a worker needs for the plan's reference pictures."""
    pictures = plan.campaign.brand.pictures
    sets = {variant.references for variant in plan.variants}
    sizes = {
        reference: pictures[reference.file].width * pictures[reference.file].height
        for references in sets
        for reference in references
    }
    kept = (sum(BYTES_PER_PIXEL * min(sizes[r], r.max_pixels) for r in references) for references in sets)
    return ReferenceMemory(max(kept, default=0), max(map(decoding_bytes, sizes.values()), default=0))


def memory_of(plan: Plan, gpu_bytes: int | None = None) -> MemoryPlan | None:
    """Returns what the plan needs; None for hosted models, and if the weights' files can't be read or aren't here.

    gpu_bytes: plan for a GPU of this size; default: this machine's GPU with the least free memory, or its main memory
    without a GPU.
    """
    if plan.model.parts is None:
        return None
    gpus = [gpu.memory for gpu in visible_gpus(os.environ)] if gpu_bytes is None else []
    if gpu_bytes is not None:
        device = DeviceMemory("a GPU of that size", gpu_bytes, gpu_bytes)
    else:
        here = DeviceMemory("this machine without a GPU", machine_memory(), available_memory())
        device = min(gpus, key=lambda gpu: gpu.free, default=here)
    try:
        need = need_of(plan.model, GPU_BYTES if gpus or gpu_bytes is not None else CPU_BYTES, largest_of(plan))
    except CheckpointError:
        return None
    if gpus or gpu_bytes is not None:
        need = with_room(need, device)
    try:
        residency = choose(need, device)
    except CheckpointError as error:
        return MemoryPlan(need, device, None, str(error))
    if residency != "offload" or not gpus:
        return MemoryPlan(need, device, residency, None)
    in_memory = HostMemory.here(len(gpus)).holds_offloaded(need)
    return MemoryPlan(need, device, residency, None, "memory" if in_memory else "disk", available_memory())


def largest_of(plan: Plan) -> Largest:
    """Returns the size of the plan's largest picture and the token count of its largest reference set."""
    sizes = {sampled_size(variant.width, variant.height, plan.model.base_pixels) for variant in plan.variants}
    selections = {(variant.references, variant.reference_pixels) for variant in plan.variants}
    tokens = max(_reference_tokens(plan, *selection) for selection in selections)
    return Largest(
        *max(sizes, key=math.prod),
        tokens,
        approximate=any(variant.reuse == "approximate" for variant in plan.variants),
        upsample=any(variant.upsample for variant in plan.variants),
    )


def _reference_tokens(plan: Plan, references: Sequence[Reference], reference_pixels: int | None) -> int:
    """Returns the tokens of all references together."""
    max_pixels = reference_pixels or plan.model.reference_pixels
    pictures = [plan.campaign.brand.pictures[reference.file] for reference in references]
    return sum(prepared_tokens((picture.width, picture.height), max_pixels) for picture in pictures)
