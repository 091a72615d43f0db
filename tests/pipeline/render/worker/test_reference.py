"""References are opened upright, flattened on request, and only if unchanged since the plan."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.model.inference.preprocess import prepare_reference
from brandpress.model.reference_size import has_allowed_shape
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.worker.reference import open_reference
from tests.model.small import noise_picture


def reference(file: Path) -> Reference:
    return Reference("product", file.name, file, hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("format", "mode"), [("png", "RGBA"), ("png", "P"), ("png", "L"), ("jpeg", "RGB"), ("webp", "RGB")]
)
def test_an_opaque_picture_becomes_rgb(tmp_path: Path, format: str, mode: str) -> None:
    file = tmp_path / f"mug.{format}"
    Image.new("RGB", (80, 64), "teal").convert(mode).save(file)
    opened = open_reference(reference(file))
    assert (opened.mode, opened.size) == ("RGB", (80, 64))


@pytest.mark.parametrize(
    ("mode", "colour", "options", "pixel"),
    [
        ("RGBA", (255, 0, 0, 0), {}, (0, 0, 255)),
        ("RGBA", (255, 0, 0, 255), {}, (255, 0, 0)),
        ("RGBA", (255, 0, 0, 51), {}, (51, 0, 204)),
        ("RGBA", (255, 0, 0, 51), {"format": "WEBP", "lossless": True}, (51, 0, 204)),
        ("LA", (100, 0), {}, (0, 0, 255)),
        ("LA", (100, 255), {}, (100, 100, 100)),
        ("P", 1, {"transparency": 1}, (0, 0, 255)),
        ("P", 1, {"transparency": 0}, (9, 8, 7)),
        ("L", 100, {"transparency": 100}, (0, 0, 255)),
        ("RGB", (1, 2, 3), {"transparency": (1, 2, 3)}, (0, 0, 255)),
    ],
)
def test_a_transparent_picture_is_flattened_onto_its_background(
    tmp_path: Path, mode: str, colour: Any, options: dict[str, Any], pixel: tuple[int, int, int]
) -> None:
    picture = Image.new(mode, (80, 64), colour)
    if mode == "P":
        picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(tmp_path / "a.bin", **{"format": "PNG"} | options)
    opened = open_reference(replace(reference(tmp_path / "a.bin"), background="#0000ff"))
    assert (opened.mode, opened.size, opened.getpixel((5, 5))) == ("RGB", (80, 64), pixel)
    assert not opened.has_transparency_data


def test_the_background_decides_the_pixels(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64)).save(tmp_path / "a.png")
    transparent = reference(tmp_path / "a.png")
    pixels = [open_reference(replace(transparent, background=c)).getpixel((0, 0)) for c in ("#000000", "#ffffff")]
    assert pixels == [(0, 0, 0), (255, 255, 255)]
    assert open_reference(transparent).mode == "RGBA"


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 64), "teal").save(file, exif=exif)
    assert open_reference(reference(file)).size == (64, 80)


def test_a_file_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mug.png"
    Image.new("RGB", (64, 64)).save(file)
    planned = reference(file)
    Image.new("RGB", (64, 64), "red").save(file)
    with pytest.raises(
        RequestError, match=r"the product reference mug\.png has changed since the plan was made; run again"
    ):
        open_reference(planned)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    planned = Reference("style", "styles/dawn.png", tmp_path / "dawn.png", "0" * 64)
    with pytest.raises(
        RequestError, match=r"the style reference styles/dawn\.png can't be read: No such file"
    ) as error:
        open_reference(planned)
    assert str(tmp_path) not in str(error.value)


def test_a_named_pipe_in_place_of_a_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "mug.png")
    planned = reference(tmp_path / "mug.png")
    (tmp_path / "mug.png").unlink()
    os.mkfifo(tmp_path / "mug.png")
    with pytest.raises(RequestError, match=r"mug\.png can't be read: it isn't a regular file"):
        open_reference(planned)


@pytest.mark.parametrize("size", [(1300, 900), (700, 2400), (64, 512), (1024, 1024), (3000, 2000), (4004, 501)])
def test_scaling_in_the_worker_gives_the_models_own_pixels(size: tuple[int, int], tmp_path: Path) -> None:
    file = tmp_path / "mug.png"
    picture = noise_picture(*size, seed=3)
    picture.save(file)
    for max_pixels in (64 * 64, 512 * 512, 1024 * 1024):
        opened = open_reference(replace(reference(file), max_pixels=max_pixels))
        assert torch.equal(prepare_reference(opened, max_pixels), prepare_reference(picture, max_pixels))


@pytest.mark.slow
def test_a_large_narrow_picture_stays_within_the_models_shapes(tmp_path: Path) -> None:
    file = tmp_path / "mug.png"
    for width, height in ((16_000, 2000), (1999, 15_992), (12_345, 1544)):
        Image.new("RGB", (width, height)).save(file)
        for max_pixels in (64 * 64, 1024 * 1024):
            opened = open_reference(replace(reference(file), max_pixels=max_pixels))
            assert has_allowed_shape(opened.size)
            assert opened.width * opened.height <= 8_000_000


def test_a_file_that_can_not_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(b"<html>")
    with pytest.raises(RequestError, match=r"the product reference mug\.png: mug\.png is a web page"):
        open_reference(reference(tmp_path / "mug.png"))
