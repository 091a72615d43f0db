"""What preparing a reference set costs a worker that hasn't cached it."""

from __future__ import annotations

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.enlarging import sampled_pixels
from brandpress.pipeline.plan.variant import Variant

USUAL_STEPS = 4
ENCODING_PASSES = 0.05
"""Cost of encoding a reference to latents, in transformer passes over it; about right from 4B parameters up."""


def warmup_cost(variant: Variant, model: ModelDescription) -> float:
    """Returns how many pictures like `variant` take about as long as preparing its reference set.

    Assumes references of the largest allowed size. A model with reference KV passes once over all reference tokens,
    and each picture passes `steps` times over its own tokens.
    """
    passes = ENCODING_PASSES + (1 if model.kv else 0)
    pixels = len(variant.references) * (variant.reference_pixels or model.reference_pixels)
    steps = variant.steps or (model.steps or {}).get("standard", USUAL_STEPS)
    return passes * pixels / (steps * sampled_pixels(variant.width, variant.height, model.base_pixels))
