"""What a hosted tier can be asked for, checked before anything is sent. Source: docs.bfl.ai."""

from __future__ import annotations

from brandpress.model.errors import RequestError
from brandpress.model.family import FLEX_GUIDANCE, FLEX_STEPS, Family
from brandpress.model.inference.preprocess import DEFAULT_PIXELS, check_shape
from brandpress.model.limits import check_references, check_size
from brandpress.model.request import RenderRequest

MIN_SIDE = 64
MEGAPIXEL = 1024 * 1024
TOTAL_PIXELS = {"flux.2-pro": 9 * MEGAPIXEL}
"""Of the picture and its references together, by tier."""


def check(request: RenderRequest, family: Family) -> None:
    """Raises RequestError, naming the field and what is allowed."""
    name = family.name
    check_size(request)
    if min(request.width, request.height) < MIN_SIDE:
        raise RequestError(f"size {request.width}x{request.height}: at least {MIN_SIDE} pixels a side")
    check_references(request, family.max_references)
    for picture in request.references:
        check_shape(picture)
    _check_total(request, name)
    if request.negative_prompt:
        raise RequestError(f"negative_prompt: {name} takes none; say in the prompt what is wanted")
    if request.upsample and not chooses(family):
        raise RequestError(f"upsample: {name} takes the prompt as it is; flux.2-flex can rewrite it")
    if chooses(family):
        _check_range("steps", request.steps, FLEX_STEPS)
        _check_range("guidance", request.guidance, FLEX_GUIDANCE)
    elif request.steps is not None:
        raise RequestError(f"steps {request.steps}: {name} chooses its own steps; flux.2-flex takes 1 to 50")
    elif request.guidance is not None:
        raise RequestError(
            f"guidance {request.guidance:g}: {name} chooses its own guidance; flux.2-flex takes 1.5 to 10"
        )


def chooses(family: Family) -> bool:
    """Steps, guidance and the rewriting of prompts are the caller's to choose: [flex]."""
    return family.steps is not None


def _check_range(field: str, value: float | None, allowed: tuple[float, float]) -> None:
    low, high = allowed
    if value is not None and not low <= value <= high:
        raise RequestError(f"{field} {value:g}: allowed are {low:g} to {high:g}")


def _check_total(request: RenderRequest, name: str) -> None:
    allowed = TOTAL_PIXELS.get(name)
    cap = request.reference_pixels or DEFAULT_PIXELS
    inputs = sum(min(picture.width * picture.height, cap) for picture in request.references)
    total = request.width * request.height + inputs
    if allowed is not None and total > allowed:
        raise RequestError(
            f"references: with the picture they're {total / MEGAPIXEL:.1f} megapixels, {name} takes at most "
            f"{allowed / MEGAPIXEL:g}; give fewer, or lower reference_pixels or the size"
        )
