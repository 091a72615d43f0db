"""Pictures that no working model returns are told from legitimate ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from brandpress.model.request import Failed, Rendered
from brandpress.pipeline.render.worker.picture_check import is_white_noise, problem_of, usable

SIDE = 256


def picture_of(values: object) -> Image.Image:
    """Returns values, of pixels or of channels, as an RGB picture."""
    array = np.asarray(values)
    array = array if array.ndim == 3 else np.repeat(array[..., None], 3, axis=2)
    return Image.fromarray(array.round().clip(0, 255).astype(np.uint8))


def normal(deviation: float, channels: int, side: int = SIDE, mean: float = 128) -> Image.Image:
    values = np.random.default_rng(0).normal(mean, deviation, (side, side, channels))
    return picture_of(np.repeat(values, 3 // channels, axis=2))


def gradient() -> Image.Image:
    return picture_of(np.linspace(0, 255, SIDE)[None, :] * np.ones((SIDE, 1)))


def confetti(radius: int, count: int) -> Image.Image:
    random = np.random.default_rng(1)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y = random.integers(0, SIDE, 2)
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return picture


def halftone() -> Image.Image:
    dots = np.random.default_rng(3).integers(0, 2, (SIDE // 2, SIDE // 2))
    return picture_of(np.kron(dots * 255, np.ones((2, 2))))


def leaves() -> Image.Image:
    random = np.random.default_rng(4)
    picture = Image.new("RGB", (SIDE, SIDE), "#78321e")
    draw = ImageDraw.Draw(picture)
    for _ in range(8000):
        (x, y), (dx, dy) = random.integers(0, SIDE, 2), random.normal(0, 4, 2)
        colour = ("#b43c14", "#c88c1e", "#5a6e28", "#dcb43c")[random.integers(4)]
        draw.polygon(((x + dx, y + dy), (x - dy / 2, y + dx / 2), (x - dx, y - dy), (x + dy / 2, y - dx / 2)), colour)
    return picture


def night_sky() -> Image.Image:
    random = np.random.default_rng(5)
    values = random.normal(12, 4, (SIDE, SIDE, 3))
    rows, columns = random.integers(0, SIDE, (2, 900))
    values[rows, columns] = random.integers(90, 256, (900, 1)) * np.array([1.0, 0.95, 0.9])
    return picture_of(values)


def knitwear() -> Image.Image:
    rows, columns = np.indices((SIDE, SIDE))
    stitches = np.abs(np.sin((rows + 4 * np.abs(columns % 8 - 4)) * np.pi / 8))
    yarn = np.random.default_rng(6).normal(0, 12, (SIDE, SIDE))
    return picture_of((90 + 110 * stitches + yarn)[..., None] * np.array([1.0, 0.4, 0.35]))


def mosaic(side: int) -> Image.Image:
    """Returns square tiles, each of its own colour: like latents, and yet a picture."""
    colours = np.random.default_rng(7).integers(30, 226, (SIDE // side, SIDE // side, 3))
    return picture_of(np.kron(colours, np.ones((side, side, 1))))


def qr_code(module: int) -> Image.Image:
    modules = np.random.default_rng(8).integers(0, 2, (SIDE // module, SIDE // module))
    return picture_of(np.kron(modules * 255, np.ones((module, module))))


def with_grain(picture: Image.Image, deviation: float) -> Image.Image:
    return picture_of(np.asarray(picture) + np.asarray(normal(deviation, 3)).astype(float) - 128)


def logo() -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(picture).rectangle((90, 90, 160, 160), fill="#1f4d3a")
    return picture


@pytest.mark.parametrize("make", [
    lambda: normal(80, 3),
    lambda: normal(35, 3),
    lambda: normal(60, 3, mean=60),
    lambda: normal(80, 3, side=64),
    lambda: normal(80, 3, side=2048),
    lambda: picture_of(np.random.default_rng(2).integers(0, 256, (SIDE, 3 * SIDE, 3))),
])  # fmt: skip
def test_white_noise_is_noise(make: Callable[[], Image.Image]) -> None:
    assert is_white_noise(make())


@pytest.mark.parametrize(
    "make",
    [
        logo,
        gradient,
        lambda: normal(10, 3),
        lambda: normal(25, 1),
        lambda: normal(80, 1),
        lambda: with_grain(gradient(), 30),
        lambda: with_grain(logo(), 20),
        lambda: normal(200, 1).filter(ImageFilter.GaussianBlur(1)),
        lambda: normal(200, 3).filter(ImageFilter.GaussianBlur(2)),
        lambda: confetti(2, 4000),
        lambda: confetti(6, 2000),
        lambda: with_grain(confetti(3, 4000), 15),
        lambda: picture_of(np.indices((SIDE, SIDE)).sum(axis=0) % 2 * 255),
        lambda: picture_of(np.indices((SIDE, SIDE)).sum(axis=0) // 4 % 2 * 255),
        halftone,
        leaves,
        night_sky,
        knitwear,
        lambda: mosaic(4),
        lambda: mosaic(16),
        lambda: qr_code(1),
        lambda: qr_code(4),
    ],
    ids=[
        "logo", "gradient", "colour grain on grey", "grain on grey", "static", "gradient with grain", "logo with grain",
        "sand", "coloured gravel", "fine confetti", "confetti", "confetti with grain", "checker", "tiles", "halftone",
        "leaves", "night sky", "knitwear", "mosaic", "coarse mosaic", "fine QR code", "QR code",
    ],
)  # fmt: skip
def test_textures_grain_and_logos_arent_noise(make: Callable[[], Image.Image]) -> None:
    assert not is_white_noise(make())


def test_the_demos_references_arent_noise() -> None:
    files = list((Path(__file__).parents[4] / "specs").rglob("*.png"))
    assert files
    assert not any(is_white_noise(Image.open(file).convert("RGB")) for file in files)


@pytest.mark.parametrize(
    ("colour", "cause"), [("#123456", "every pixel of the picture has the colour #123456"), (None, None)]
)
def test_only_exactly_one_colour_is_unusable(colour: str | None, cause: str | None) -> None:
    picture = Image.new("RGB", (64, 64), colour or "#123456")
    if colour is None:
        picture.putpixel((63, 63), (0x12, 0x34, 0x57))
    assert problem_of(picture, (64, 64)) == cause


def test_another_size_is_a_failure() -> None:
    result = usable(Rendered(logo()), (SIDE, 128))
    assert isinstance(result, Failed)
    assert str(result.cause) == "the picture has 256x256 pixels, and 256x128 were asked for"
    assert isinstance(usable(Rendered(logo()), (SIDE, SIDE)), Rendered)
