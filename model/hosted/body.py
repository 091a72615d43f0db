"""A request as BFL's API takes it. Source: `Flux2Inputs` and `Flux2FlexInputs` of api.bfl.ai/openapi.json."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from threading import Lock
from typing import Any

from PIL import Image

from brandpress.model.family import Family
from brandpress.model.hosted.limits import chooses
from brandpress.model.reference_size import fit_area
from brandpress.model.request import DEFAULT_REFERENCE_PIXELS, RenderRequest

_LOADING = Lock()
QUALITY = "standard"
"""Whose steps are taken where a request names none, as the local renderer does."""


def body_of(request: RenderRequest, family: Family) -> dict[str, Any]:
    """The JSON of a checked request. Prompts are rewritten by default there; here only where that is asked for."""
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "seed": request.seed,
        "width": request.width,
        "height": request.height,
        "output_format": "png",
    }
    if chooses(family):
        steps, guidance = request.steps, request.guidance
        body["steps"] = (family.steps or {})[QUALITY] if steps is None else steps
        body["guidance"] = family.guidance if guidance is None else guidance
        body["prompt_upsampling"] = request.upsample
    else:
        body["disable_pup"] = True
    for number, picture in enumerate(request.references, 1):
        field = "input_image" if number == 1 else f"input_image_{number}"
        body[field] = encode_reference(picture, request.reference_pixels or DEFAULT_REFERENCE_PIXELS)
    return body


def encode_reference(picture: Image.Image, max_pixels: int) -> str:
    """A picture -> base64 of a PNG in RGB, scaled down to at most an area."""
    # Many requests share a reference, and Pillow reads a file that was only opened when it's first used.
    with _LOADING:
        picture.load()
    # RGB first, as BFL does: a palette can't be scaled smoothly.
    buffer = BytesIO()
    fit_area(picture.convert("RGB"), max_pixels).save(buffer, format="PNG", compress_level=1)
    return b64encode(buffer.getvalue()).decode("ascii")
