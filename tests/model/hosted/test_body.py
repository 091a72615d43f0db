"""The JSON that is sent for a request."""

from __future__ import annotations

from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageChops

from brandpress.model.family import FAMILIES
from brandpress.model.hosted.body import body_of, encode_reference
from brandpress.model.reference_size import fit_area
from brandpress.model.request import RenderRequest

PLAIN = {"prompt": "a fox", "seed": 3, "width": 64, "height": 80, "output_format": "png"}


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def decoded(text: str) -> Image.Image:
    picture = Image.open(BytesIO(b64decode(text, validate=True)))
    assert picture.format == "PNG"
    assert picture.mode == "RGB"
    return picture


@pytest.mark.parametrize("tier", ["flux.2-pro", "flux.2-max"])
def test_pro_and_max_get_neither_steps_nor_rewriting(tier: str) -> None:
    request = RenderRequest("a fox", width=64, height=80, seed=3)
    assert body_of(request, FAMILIES[tier]) == PLAIN | {"disable_pup": True}


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"steps": 20, "guidance": 4.5, "prompt_upsampling": False}),
        ({"steps": 7, "guidance": 2.0}, {"steps": 7, "guidance": 2.0, "prompt_upsampling": False}),
        ({"upsample": True}, {"steps": 20, "guidance": 4.5, "prompt_upsampling": True}),
    ],
)
def test_flex_gets_steps_guidance_and_rewriting(fields: dict[str, float], sent: dict[str, float]) -> None:
    request = RenderRequest("a fox", width=64, height=80, seed=3, **fields)  # type: ignore[arg-type]
    assert body_of(request, FAMILIES["flux.2-flex"]) == PLAIN | sent


def test_references_are_sent_in_order() -> None:
    pictures = tuple(noise(64 + number, 80) for number in range(8))
    body = body_of(RenderRequest("a fox", pictures), FAMILIES["flux.2-pro"])
    names = ["input_image", *(f"input_image_{number}" for number in range(2, 9))]
    assert [name for name in body if name.startswith("input_image")] == names
    for name, picture in zip(names, pictures, strict=True):
        assert ImageChops.difference(decoded(body[name]), picture).getbbox() is None


def test_a_large_reference_is_scaled_down_and_not_cropped() -> None:
    picture = noise(300, 203)
    sent = decoded(encode_reference(picture, 10_000))
    assert sent.size == (121, 82)
    assert ImageChops.difference(sent, fit_area(picture, 10_000)).getbbox() is None


def test_reference_pixels_limit_the_size_of_references() -> None:
    request = RenderRequest("a fox", (noise(1200, 1200),))
    sizes = [
        decoded(body_of(variant, FAMILIES["flux.2-pro"])["input_image"]).size
        for variant in (request, RenderRequest("a fox", request.references, reference_pixels=4096))
    ]
    assert sizes == [(1024, 1024), (64, 64)]


def test_a_file_that_is_not_loaded_yet_can_be_shared() -> None:
    buffer = BytesIO()
    noise(900, 900).save(buffer, "PNG")
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            opened = Image.open(BytesIO(buffer.getvalue()))
            sent = list(pool.map(lambda picture: encode_reference(picture, 4096), [opened] * 8))
            assert len(set(sent)) == 1


@pytest.mark.parametrize("mode", ["P", "L", "RGBA", "CMYK"])
def test_any_mode_is_sent_as_rgb_and_scaled_smoothly(mode: str) -> None:
    picture = noise(200, 200, mode)
    sent = decoded(encode_reference(picture, 10_000))
    assert ImageChops.difference(sent, fit_area(picture.convert("RGB"), 10_000)).getbbox() is None
