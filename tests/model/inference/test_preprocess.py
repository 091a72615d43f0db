"""Prepared reference pictures equal diffusers' bit by bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor
from PIL import Image

from brandpress.model.errors import RequestError, UnusablePictureError
from brandpress.model.inference import preprocess as references
from brandpress.model.inference.preprocess import (
    PictureDigests,
    check_finite,
    picture_digest,
    prepare_reference,
    to_levels,
    value_range,
)
from tests.model.small import noise_picture

PROCESSOR = Flux2ImageProcessor(vae_scale_factor=16)
SIZES = [(64, 64), (65, 79), (100, 101), (64, 512), (512, 64), (333, 127), (640, 640), (1024, 1024), (1025, 1025),
         (2048, 257), (1600, 1200), (700, 2400)]  # fmt: skip
CAPS = [64 * 64, 512 * 512, 1024 * 1024]
MODES = ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"]


def prepared_by_diffusers(picture: Image.Image, cap: int) -> torch.Tensor:
    """Prepares a picture like `Flux2KleinPipeline.__call__`, whose own cap is 1024x1024."""
    PROCESSOR.check_image_input(picture)
    picture = PROCESSOR._resize_if_exceeds_area(picture, cap)
    width, height = (side // 16 * 16 for side in picture.size)
    prepared: torch.Tensor = PROCESSOR.preprocess(picture, height=height, width=width, resize_mode="crop")
    return prepared


def drawn(size: tuple[int, int], mode: str) -> Image.Image:
    if mode in ("RGB", "L"):
        return noise_picture(*size, seed=3, mode=mode)
    return noise_picture(*size, seed=3, mode="RGBA").convert(mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(100, 101), (512, 64), (1300, 900)])
def test_every_mode_equals_diffusers_bit_by_bit(size: tuple[int, int], mode: str) -> None:
    picture = drawn(size, mode)
    prepared = prepare_reference(picture)
    assert prepared.std() > 0.1
    assert torch.equal(prepared, prepared_by_diffusers(picture, 1024 * 1024))


@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("size", SIZES)
def test_every_size_equals_diffusers_bit_by_bit(size: tuple[int, int], cap: int) -> None:
    picture = drawn(size, "RGB")
    prepared = prepare_reference(picture, cap)
    height, width = prepared.shape[2:]
    assert height % 16 == 0 and width % 16 == 0 and height * width <= max(cap, math.prod(size))
    assert torch.equal(prepared, prepared_by_diffusers(picture, cap))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((63, 200), "reference of 63x200: both sides must be at least 64 pixels"),
        ((64, 513), "reference of 64x513: the aspect ratio must be at most 8:1"),
        ((513, 64), "reference of 513x64: the aspect ratio must be at most 8:1"),
    ],
)
def test_pictures_that_diffusers_rejects_are_rejected(size: tuple[int, int], message: str) -> None:
    picture = Image.new("RGB", size)
    with pytest.raises(ValueError, match=r"Image too small|too extreme"):
        PROCESSOR.check_image_input(picture)
    with pytest.raises(RequestError, match=message):
        prepare_reference(picture)


def test_a_digest_is_computed_once_per_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is dropped with its picture, because the next one can get the same id."""
    calls: list[tuple[int, int]] = []

    def counted(picture: Image.Image) -> bytes:
        calls.append(picture.size)
        return picture.tobytes()

    monkeypatch.setattr(references, "picture_digest", counted)
    digests = PictureDigests()
    long_lived = drawn((64, 64), "RGB")
    for seed in range(20):
        short_lived = noise_picture(64, 64, seed)
        assert digests.of(short_lived) == digests.of(short_lived) == short_lived.tobytes()
        assert digests.of(long_lived) == long_lived.tobytes()
        del short_lived
        assert len(digests) == 1
    assert len(calls) == 21


def test_pictures_are_rounded_like_diffusers() -> None:
    decoded = torch.randn(3, 48, 32, generator=torch.Generator().manual_seed(0)) * 0.8
    (other,) = PROCESSOR.postprocess(decoded[None], output_type="pil")
    assert np.array_equal(to_levels(decoded).numpy(), np.asarray(other))


def test_a_digest_loads_the_picture_first(tmp_path: Path) -> None:
    """Some formats read their palette only then."""
    file = tmp_path / "palette.bmp"
    Image.new("RGB", (64, 64), (255, 0, 0)).quantize(4).save(file)
    loaded = Image.open(file)
    loaded.load()
    assert picture_digest(Image.open(file)) == picture_digest(loaded)


def test_the_palettes_mode_is_in_the_digest() -> None:
    red, blue = (Image.new("P", (64, 64)) for _ in range(2))
    red.putpalette([255, 0, 0, 255], "RGBX")
    blue.putpalette([255, 0, 0, 255], "BGRX")
    assert picture_digest(red) != picture_digest(blue)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("value", "name"), [(math.nan, "NaN"), (math.inf, "infinite values"), (-math.inf, "infinite")])
def test_values_that_are_not_finite_are_found_wherever_they_are(value: float, name: str, dtype: torch.dtype) -> None:
    finite = torch.linspace(-3, 3, 60, dtype=dtype).reshape(3, 4, 5)
    check_finite(value_range(finite, finite))
    for position in (0, 31, 59):
        broken = finite.clone()
        broken.view(-1)[position] = value
        for pair in ((broken, finite), (finite, broken)):
            with pytest.raises(UnusablePictureError, match=f"the model returned {name}"):
                check_finite(value_range(*pair))
