"""Checks requests against a hosted tier's limits before anything is sent. Source: docs.bfl.ai."""

from __future__ import annotations

from brandpress.model.errors import RequestError
from brandpress.model.family import FLEX_GUIDANCE, FLEX_STEPS, Family
from brandpress.model.limits import check_references, check_size, check_types
from brandpress.model.reference_size import check_shape
from brandpress.model.request import RenderRequest
from brandpress.model.sampling_params import DEFAULT_REFERENCE_PIXELS

MIN_SIDE = 64
MEGAPIXEL = 1 << 20
TOTAL_PIXELS = {"flux.2-pro": 9 * MEGAPIXEL}
"""Maximum pixels of the picture and its references together, keyed by tier."""


def check(request: RenderRequest, family: Family) -> None:
    """Raises RequestError, naming the field and what is allowed."""
    name = family.name
    check_types(request)
    check_size(request)
    if min(request.width, request.height) < MIN_SIDE:
        raise RequestError(f"size {request.width}x{request.height}: at least {MIN_SIDE} pixels per side")
    check_references(request, family.max_references)
    for picture in request.references:
        check_shape(picture)
    _check_total(request, name)
    if request.negative_prompt:
        raise RequestError(f"negative_prompt: {name} doesn't support it; describe the picture in the prompt instead")
    if request.upsample and not has_sampling_options(family):
        raise RequestError(f"upsample: {name} doesn't rewrite prompts; use flux.2-flex")
    if has_sampling_options(family):
        _check_range("steps", request.steps, FLEX_STEPS)
        _check_range("guidance", request.guidance, FLEX_GUIDANCE)
    elif request.steps is not None:
        raise RequestError(f"steps {request.steps}: {name} has fixed steps; use flux.2-flex (1 to 50)")
    elif request.guidance is not None:
        raise RequestError(f"guidance {request.guidance:g}: {name} has fixed guidance; use flux.2-flex (1.5 to 10)")


def has_sampling_options(family: Family) -> bool:
    """Whether a tier has options for steps, guidance and prompt rewriting: only [flex]."""
    return family.steps is not None


def _check_range(field: str, value: float | None, allowed: tuple[float, float]) -> None:
    low, high = allowed
    if value is not None and not low <= value <= high:
        raise RequestError(f"{field} {value:g}: allowed: {low:g} to {high:g}")


def _check_total(request: RenderRequest, name: str) -> None:
    allowed = TOTAL_PIXELS.get(name)
    cap = request.reference_pixels or DEFAULT_REFERENCE_PIXELS
    inputs = sum(min(picture.width * picture.height, cap) for picture in request.references)
    total = request.width * request.height + inputs
    if allowed is not None and total > allowed:
        raise RequestError(
            f"references: with the picture {total / MEGAPIXEL:.1f} megapixels, {name} takes at most "
            f"{allowed / MEGAPIXEL:g}; use fewer references, or lower reference_pixels or the size"
        )
