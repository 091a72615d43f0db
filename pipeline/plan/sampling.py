"""How a campaign's pictures are sampled: what it asks for, the rest as its model says."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.spec.campaign import Campaign, Custom


@dataclass(frozen=True, slots=True)
class Sampling:
    """What all variants of a campaign share. steps, guidance: None where the service chooses. reference_pixels: None
    for the model's own area."""

    steps: int | None
    guidance: float | None
    negative_prompt: str = ""
    reference_pixels: int | None = None
    upsample: bool = False
    reuse: str = "exact"


def sampling(campaign: Campaign, model: ModelDescription) -> Sampling:
    """Steps and guidance of the quality preset as the model defines it, or the campaign's own.

    Of a campaign in which `model_problems` finds nothing.
    """
    job = campaign.job
    pixels = job.reference_pixels
    return Sampling(
        steps=steps_of(campaign, model),
        guidance=guidance_of(campaign, model),
        negative_prompt=job.negative_prompt,
        reference_pixels=None if pixels == model.reference_pixels else pixels,
        upsample=job.upsample,
        reuse=job.reuse,
    )


def reuse_of(shared: Sampling, running: bool) -> str:
    """What the campaign asks for of `reuse`, and `exact` for a picture that it makes no difference to: one without
    references that run in every step, or with a single step, in a schedule too short to leave steps out.

    running: the picture has references, and they run with it (in models with `kv` they don't).
    """
    steps = shared.steps or 0
    return shared.reuse if steps >= LONG_SCHEDULE or (running and steps > 1) else "exact"


def steps_of(campaign: Campaign, model: ModelDescription) -> int | None:
    """The campaign's own steps, else those that the model has for its quality; None where there are none to choose, or
    the model has no such quality."""
    quality = campaign.job.quality
    own = quality.steps if isinstance(quality, Custom) else None
    if own is not None or model.steps is None:
        return own
    return model.steps.get("standard" if isinstance(quality, Custom) else quality)


def guidance_of(campaign: Campaign, model: ModelDescription) -> float | None:
    """The campaign's own guidance, else the model's; None where there is none to choose."""
    quality = campaign.job.quality
    own = quality.guidance if isinstance(quality, Custom) else None
    guidance = own if own is not None else model.guidance
    return None if guidance is None else float(guidance)
