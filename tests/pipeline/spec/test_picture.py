from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brandpress.pipeline.spec.problem import WrongValueError
from tests.corpus.pictures import good
from tests.pipeline.spec.pictures import inspect


@pytest.mark.parametrize(
    ("size", "format", "mode"),
    [
        ((64, 64), "PNG", "RGB"),
        ((64, 512), "JPEG", "RGB"),
        ((512, 64), "WEBP", "RGBA"),
        ((90, 70), "PNG", "P"),
        ((90, 70), "PNG", "I;16"),
        ((90, 70), "JPEG", "CMYK"),
    ],
)
def test_valid_pictures(size: tuple[int, int], format: str, mode: str, tmp_path: Path) -> None:
    content = good("x", size, format, mode)
    (tmp_path / "a picture.bin").write_bytes(content)
    picture = inspect("a picture.bin", tmp_path)
    assert (picture.width, picture.height) == size
    assert picture.sha256 == hashlib.sha256(content).hexdigest()
    assert picture.path == tmp_path / "a picture.bin"


def flat(mode: str, colour: Any, dot: Any = None) -> Image.Image:
    """A picture of one colour; `dot` is the colour of its first pixel."""
    picture = Image.new(mode, (80, 64), colour)
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0])
    if dot is not None:
        picture.putpixel((0, 0), dot)
    return picture


@pytest.mark.parametrize(
    ("picture", "options", "transparent"),
    [
        (flat("RGB", "teal"), {}, False),
        (flat("RGBA", (1, 2, 3, 255)), {}, False),
        (flat("RGBA", (1, 2, 3, 255), dot=(1, 2, 3, 254)), {}, True),
        (flat("RGBA", (1, 2, 3, 0)), {"format": "WEBP"}, True),
        (flat("LA", (7, 255)), {}, False),
        (flat("LA", (7, 255), dot=(7, 0)), {}, True),
        (flat("L", 7), {"transparency": 7}, True),
        (flat("L", 7), {"transparency": 8}, False),
        (flat("RGB", (1, 2, 3)), {"transparency": (1, 2, 3)}, True),
        (flat("1", 0), {"transparency": 0}, True),
        (flat("I;16", 7), {"transparency": 9}, False),
        (flat("P", 1), {"transparency": 1}, True),
        (flat("P", 1), {"transparency": 0}, False),
        (flat("P", 1, dot=0), {"transparency": bytes([128, 255])}, True),
    ],
    ids=lambda value: f"{value.mode} {value.getpixel((0, 0))}" if isinstance(value, Image.Image) else None,
)
def test_a_picture_is_transparent_if_any_pixel_is_not_opaque(
    picture: Image.Image, options: dict[str, Any], transparent: bool, tmp_path: Path
) -> None:
    picture.save(tmp_path / "a.bin", **{"format": "PNG"} | options)
    assert inspect("a.bin", tmp_path).transparent == transparent


def test_a_phones_jpeg_with_a_preview_is_a_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (96, 96), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=frames[1:])
    assert inspect("phone.jpg", tmp_path).width == 96


@pytest.mark.parametrize(
    "file",
    [
        *("", " a.png", "a.png\n", "/etc/passwd", "../a.png", "x/../../a.png", "x/../a.png", "~/a.png", "~root/a.png"),
        *("C:\\a.png", "C:/a.png", "C:a.png", "x\\a.png", "\\\\host\\a.png", "https://x.org/a.png", "file:///a.png"),
    ],
)
def test_paths_that_leave_the_folder_are_rejected(file: str, tmp_path: Path) -> None:
    with pytest.raises(WrongValueError):
        inspect(file, tmp_path)


def test_links_must_stay_inside_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "brand", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    for place in (folder, outside):
        (place / "a.png").write_bytes(good("a"))
    (folder / "inside-link.png").symlink_to("a.png")
    (folder / "link.png").symlink_to(outside / "a.png")
    (folder / "folder").symlink_to(outside)
    (folder / "loop.png").symlink_to("loop.png")
    assert inspect("inside-link.png", folder).width == 96
    for file in ("link.png", "folder/a.png", "loop.png"):
        with pytest.raises(WrongValueError, match="link"):
            inspect(file, folder)


def test_a_brand_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(good("a"))
    (tmp_path / "brand").symlink_to("real")
    assert inspect("a.png", tmp_path / "brand").height == 80
