"""Builds the JSON of a request to BFL's API. Source: `Flux2Inputs` and `Flux2FlexInputs` of api.bfl.ai/openapi.json."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from threading import Lock
from typing import Any

from PIL import Image

from brandpress.model.family import Family
from brandpress.model.hosted.limits import has_sampling_options
from brandpress.model.reference_size import fit_area
from brandpress.model.request import RenderRequest
from brandpress.model.sampling_params import DEFAULT_REFERENCE_PIXELS

_LOADING = Lock()
QUALITY = "standard"
"""The preset whose steps are used if a request has none, as in the local renderer."""


def body_of(request: RenderRequest, family: Family) -> dict[str, Any]:
    """The JSON of a checked request. Turns off rewriting, which BFL does by default, unless requested."""
    body: dict[str, Any] = {
        "prompt": request.prompt,
        "seed": request.seed,
        "width": request.width,
        "height": request.height,
        "output_format": "png",
    }
    if has_sampling_options(family):
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
    """Returns the base64 of an RGB PNG of the picture, scaled down to at most `max_pixels`."""
    # Requests share references, and Pillow loads a file lazily, which isn't thread-safe.
    with _LOADING:
        picture.load()
    # RGB first, as BFL does: a palette picture can't be interpolated.
    buffer = BytesIO()
    fit_area(picture.convert("RGB"), max_pixels).save(buffer, format="PNG", compress_level=1)
    return b64encode(buffer.getvalue()).decode("ascii")
