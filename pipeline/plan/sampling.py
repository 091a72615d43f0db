"""How a campaign's pictures are sampled: what it asks for, the rest as its model says."""

from __future__ import annotations

from dataclasses import dataclass

from model.checkpoint.describe import ModelDescription
from pipeline.spec.campaign import Campaign, Custom


@dataclass(frozen=True, slots=True)
class Sampling:
    """What all variants of a campaign share. steps, guidance: None where the service chooses. reference_pixels: None
    for the model's own area."""

    steps: int | None
    guidance: float | None
    negative_prompt: str = ""
    reference_pixels: int | None = None
    upsample: bool = False


def sampling(campaign: Campaign, model: ModelDescription) -> Sampling:
    """Steps and guidance of the quality preset as the model defines it, or the campaign's own.

    Of a campaign in which `model_problems` finds nothing.
    """
    job = campaign.job
    custom = job.quality if isinstance(job.quality, Custom) else Custom()
    preset = "standard" if isinstance(job.quality, Custom) else job.quality
    steps = custom.steps
    if steps is None and model.steps is not None:
        steps = model.steps[preset]
    pixels = job.reference_pixels
    return Sampling(
        steps=steps,
        guidance=guidance_of(campaign, model),
        negative_prompt=job.negative_prompt,
        reference_pixels=None if pixels == model.reference_pixels else pixels,
        upsample=job.upsample,
    )


def guidance_of(campaign: Campaign, model: ModelDescription) -> float | None:
    """The campaign's own guidance, else the model's; None where there is none to choose."""
    quality = campaign.job.quality
    own = quality.guidance if isinstance(quality, Custom) else None
    guidance = own if own is not None else model.guidance
    return None if guidance is None else float(guidance)
