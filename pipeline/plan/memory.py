"""How much memory a plan's pictures need on a device, and how the model's parts share it."""

from __future__ import annotations

from dataclasses import dataclass

from model.errors import CheckpointError
from model.memory import Largest, Need, Residency, choose, device_memory, need_of
from model.request import SIZE_MULTIPLE
from pipeline.plan.expand import Plan
from pipeline.plan.recipe import Chosen

GPU_BYTES, CPU_BYTES = 2, 4
"""Of a number in bfloat16, which GPUs compute in, and in float32."""


@dataclass(frozen=True)
class MemoryPlan:
    """residency None: it doesn't fit, for the reason in `refusal`. available: bytes of the device."""

    need: Need
    device: str
    available: int
    residency: Residency | None
    refusal: str | None


def memory_of(plan: Plan, card: int | None = None) -> MemoryPlan | None:
    """What the plan needs on a GPU of `card` bytes, else on this machine's; None where a service renders, and where the
    weights' files can't be read."""
    if plan.model.hosted:
        return None
    device, available, on_gpu = device_memory() if card is None else ("a GPU of that size", card, True)
    try:
        need = need_of(plan.model, GPU_BYTES if on_gpu else CPU_BYTES, largest_of(plan))
    except CheckpointError:
        return None
    try:
        return MemoryPlan(need, device, available, choose(need, available), None)
    except CheckpointError as error:
        return MemoryPlan(need, device, available, None, str(error))


def largest_of(plan: Plan) -> Largest:
    """The plan's largest picture, with its largest reference set."""
    groups = plan.variants.groups
    size = max((group.size for group in groups), key=lambda size: size.width * size.height)
    tokens = max(_reference_tokens(plan, group.chosen) for group in groups)
    return Largest(*size, tokens, any(group.chosen.reuse == "approximate" for group in groups))


def _reference_tokens(plan: Plan, chosen: Chosen) -> int:
    """The tokens that the references have together."""
    most = chosen.reference_pixels or plan.model.reference_pixels
    pictures = [plan.campaign.brand.pictures[reference.file] for reference in chosen.references]
    return sum(min(found.width * found.height, most) // SIZE_MULTIPLE**2 for found in pictures)
