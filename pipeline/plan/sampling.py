"""A campaign's sampling parameters: its own values, and its model's defaults for the rest."""

from __future__ import annotations

from dataclasses import fields

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.spec.campaign import Campaign, Custom, Job

_JOB_FIELDS = tuple(field.name for field in fields(SamplingParams) if field.name in Job.model_fields)


def sampling_params(campaign: Campaign, model: ModelDescription) -> SamplingParams:
    """Returns the sampling parameters that all variants of a campaign share.

    steps, guidance: None where a hosted model chooses them. reference_pixels: None where the model's own area applies.
    Only for campaigns without `model_problems`.
    """
    values = {name: getattr(campaign.job, name) for name in _JOB_FIELDS}
    if values["reference_pixels"] == model.reference_pixels:
        values["reference_pixels"] = None
    return SamplingParams(steps=steps_of(campaign, model), guidance=guidance_of(campaign, model), **values)


def reuse_of(params: SamplingParams, *, references_in_each_step: bool) -> str:
    """Returns `params.reuse`, or "exact" for a picture where approximate reuse would make no difference.

    It makes none in a schedule too short to skip steps, unless the picture has references that run in each step and
    there is more than one step. (Models with `kv` don't run references in each step.)
    """
    steps = params.steps or 0
    return params.reuse if steps >= LONG_SCHEDULE or (references_in_each_step and steps > 1) else "exact"


def steps_of(campaign: Campaign, model: ModelDescription) -> int | None:
    """Returns the campaign's own steps, or the model's steps for the campaign's quality; None where the model has no
    such quality or chooses the steps itself."""
    quality = campaign.job.quality
    own = quality.steps if isinstance(quality, Custom) else None
    if own is not None or model.steps is None:
        return own
    return model.steps.get("standard" if isinstance(quality, Custom) else quality)


def guidance_of(campaign: Campaign, model: ModelDescription) -> float | None:
    """Returns the campaign's own guidance, or the model's; None where the model chooses it itself."""
    quality = campaign.job.quality
    own = quality.guidance if isinstance(quality, Custom) else None
    guidance = own if own is not None else model.guidance
    return None if guidance is None else float(guidance)
