"""What a reference set costs a worker that hasn't got it in its caches."""

from __future__ import annotations

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.variant import Variant

USUAL_STEPS = 4
ENCODING = 0.05
"""What encoding a reference to latents takes, of a transformer's pass over it: about that, from 4B on."""


def warmup_cost(variant: Variant, model: ModelDescription) -> float:
    """About how many pictures like `variant` could be made while its reference set is prepared, its references taken
    to be as large as they may be.

    A model with KV passes once over all reference tokens, and each picture passes `steps` times over its own.
    """
    passes = ENCODING + (1 if model.kv else 0)
    pixels = len(variant.references) * (variant.reference_pixels or model.reference_pixels)
    steps = variant.steps or (model.steps or {}).get("standard", USUAL_STEPS)
    return passes * pixels / (steps * variant.width * variant.height)
