"""Checks a valid campaign against the capabilities of its model."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.family import FLEX_GUIDANCE, FLEX_STEPS
from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.plan.licences import licence_problems
from brandpress.pipeline.plan.sampling import guidance_of, steps_of
from brandpress.pipeline.spec.campaign import Campaign, Custom, references_of
from brandpress.pipeline.spec.messages import listing, quote
from brandpress.pipeline.spec.problem import Problem

FLEX = "flux.2-flex"


def model_problems(campaign: Campaign, model: ModelDescription) -> tuple[Problem, ...]:
    """Returns a problem for each field of the campaign that the model doesn't support, in reading order."""
    checks = (
        _check_quality,
        _check_flex,
        _check_negative_prompt,
        _check_upsample,
        _check_reuse,
        _check_references,
        _check_budget,
        licence_problems,
    )
    return tuple(sorted(problem for check in checks for problem in check(campaign, model)))


def _check_quality(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    source, quality = campaign.source, campaign.job.quality
    own = quality if isinstance(quality, Custom) else Custom()
    if model.steps is None:
        what = f"the model {quote(model.name)} chooses its own steps"
        if own.steps is not None:
            yield source.problem(("quality", "steps"), what, "leave steps out")
        elif quality != "standard" and not isinstance(quality, Custom):
            yield source.problem(("quality",), what, "leave quality out")
    if model.guidance is None and own.guidance is not None:
        what = f"the model {quote(model.name)} chooses its own guidance"
        yield source.problem(("quality", "guidance"), what, "leave guidance out")
    preset = "standard" if isinstance(quality, Custom) else quality
    if model.steps is not None and own.steps is None and preset not in model.steps:
        what = f"the model {quote(model.name)} has no quality {quote(preset)}"
        yield source.problem(("quality",), what, f"allowed: {listing(model.steps)}, or {{steps: 20}}")


def _check_flex(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    quality = campaign.job.quality
    if model.family != FLEX or not isinstance(quality, Custom):
        return
    min_steps, max_steps = FLEX_STEPS
    min_guidance, max_guidance = FLEX_GUIDANCE
    if quality.steps is not None and quality.steps > max_steps:
        what = f"{quality.steps} steps are too many for the model {quote(model.name)}"
        yield campaign.source.problem(("quality", "steps"), what, f"allowed: {min_steps} to {max_steps}")
    if quality.guidance is not None and not min_guidance <= quality.guidance <= max_guidance:
        what = f"a guidance of {quality.guidance:g} is out of range for the model {quote(model.name)}"
        yield campaign.source.problem(("quality", "guidance"), what, f"allowed: {min_guidance:g} to {max_guidance:g}")


def _check_negative_prompt(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    if not campaign.job.negative_prompt:
        return
    guidance = guidance_of(campaign, model)
    if model.hosted or model.distilled:
        reason = "is a hosted model" if model.hosted else "is distilled"
        what = f"the model {quote(model.name)} {reason} and takes no negative prompt"
        rule = "leave it out, or choose an undistilled model like flux.2-klein-base-4b"
        yield campaign.source.problem(("negative_prompt",), what, rule)
    elif guidance is not None and guidance <= 1:
        what = f"a negative prompt does nothing at a guidance of {guidance:g}"
        yield campaign.source.problem(("negative_prompt",), what, "write quality: {guidance: 4.0}, or any above 1")


def _check_upsample(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    if campaign.job.upsample and not model.upsamples:
        what = f"the model {quote(model.name)} can't rewrite prompts"
        yield campaign.source.problem(("upsample",), what, "leave upsample out")


def _check_reuse(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    if campaign.job.reuse == "exact":
        return
    if model.hosted:
        what = f"the model {quote(model.name)} is a hosted model"
        yield campaign.source.problem(("reuse",), what, "leave reuse out")
    elif model.kv and (steps_of(campaign, model) or 0) < LONG_SCHEDULE:
        what = f"the model {quote(model.name)} already reuses its references without approximating"
        rule = f"leave reuse out, or use at least {LONG_SCHEDULE} steps"
        yield campaign.source.problem(("reuse",), what, rule)


def _check_references(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    roles, brand = campaign.job.references, campaign.brand
    selections = {tuple(map(point.axes.get, roles)): point.axes for point in campaign.points}
    max_count = max((len(references_of(roles, brand, axes)) for axes in selections.values()), default=0)
    if max_count > model.max_references:
        what = f"some variants have {max_count} reference pictures, too many for the model {quote(model.name)}"
        yield campaign.source.problem(("references",), what, f"allowed: {model.max_references} together")


def _check_budget(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    budget = campaign.job.budget
    if budget is not None and budget.gpu_minutes is not None and model.hosted:
        what = f"the model {quote(model.name)} is a hosted model and uses no GPU here"
        yield campaign.source.problem(("budget", "gpu_minutes"), what, "allowed: pictures and money")
