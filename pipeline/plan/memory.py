"""How much memory a plan's pictures need on a device, and how the model's parts share it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from brandpress.model.errors import CheckpointError
from brandpress.model.memory.gpus import visible_gpus
from brandpress.model.memory.host import HostMemory, available_memory
from brandpress.model.memory.plan import (
    DeviceMemory,
    Largest,
    Need,
    Residency,
    choose,
    machine_memory,
    need_of,
    with_room,
)
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.recipe import ReferenceSelection

GPU_BYTES, CPU_BYTES = 2, 4
"""Of a number in bfloat16, which GPUs compute in, and in float32."""


@dataclass(frozen=True)
class MemoryPlan:
    """residency: None if the model doesn't fit, for the reason in `refusal`. offloaded_to: where offloaded parts are
    kept, `memory` or `disk`; None if nothing is offloaded or the plan is for another machine. host: available bytes of
    this machine's memory."""

    need: Need
    device: DeviceMemory
    residency: Residency | None
    refusal: str | None
    offloaded_to: str | None = None
    host: int = 0


def memory_of(plan: Plan, card: int | None = None) -> MemoryPlan | None:
    """What the plan needs on a GPU of `card` bytes, else on this machine's GPU with the least free memory, or without
    a GPU in this machine's own; None where a service renders, and where the weights' files can't be read."""
    if plan.model.hosted:
        return None
    gpus = [gpu.memory for gpu in visible_gpus(os.environ)] if card is None else []
    if card is not None:
        device = DeviceMemory("a GPU of that size", card, card)
    else:
        here = DeviceMemory("this machine without a GPU", machine_memory(), available_memory())
        device = min(gpus, key=lambda gpu: gpu.free, default=here)
    try:
        need = need_of(plan.model, GPU_BYTES if gpus or card is not None else CPU_BYTES, largest_of(plan))
    except CheckpointError:
        return None
    if gpus or card is not None:
        need = with_room(need, device)
    try:
        residency = choose(need, device)
    except CheckpointError as error:
        return MemoryPlan(need, device, None, str(error))
    if residency != "offload" or not gpus:
        return MemoryPlan(need, device, residency, None)
    kept = HostMemory.here(len(gpus)).holds_offloaded(need)
    return MemoryPlan(need, device, residency, None, "memory" if kept else "disk", available_memory())


def largest_of(plan: Plan) -> Largest:
    """The plan's largest picture, with its largest reference set."""
    groups = plan.variants.groups
    size = max((group.size for group in groups), key=lambda size: size.width * size.height)
    tokens = max(_reference_tokens(plan, group.chosen) for group in groups)
    return Largest(*size, tokens, any(group.chosen.reuse == "approximate" for group in groups))


def _reference_tokens(plan: Plan, chosen: ReferenceSelection) -> int:
    """The tokens that the references have together."""
    most = chosen.reference_pixels or plan.model.reference_pixels
    pictures = [plan.campaign.brand.pictures[reference.file] for reference in chosen.references]
    return sum(min(found.width * found.height, most) // SIZE_MULTIPLE**2 for found in pictures)
