"""Files that aren't PNG, JPEG or WebP are named, with what to do about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.spec.decode import PictureError, decode
from brandpress.pipeline.spec.file_kind import unusable_kind
from brandpress.pipeline.spec.problem import WrongValueError
from tests.pipeline.spec.pictures import inspect, saved

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1234\n"
PICTURE = Image.new("RGB", (96, 80), "teal")
SAVE_AS = "save it as PNG, JPEG or WebP"


@pytest.mark.parametrize(
    ("content", "what", "advice"),
    [
        (b"", "is empty", "download or save it again"),
        (LFS, "is a Git LFS pointer, not the picture", "run git lfs pull"),
        (b"<!DOCTYPE html>\n<html lang=en>", "is a web page", "download the picture itself"),
        (b"\xef\xbb\xbf\n <HTML><body>404", "is a web page", "download the picture itself"),
        (b"<!-- x --><html><svg/></html>", "is a web page", "download the picture itself"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is XML", "download the picture itself"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "is SVG", SAVE_AS),
        (b"data:image/png;base64,iVBORw0KGgo=", "is a data URL", SAVE_AS),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is HEIC", SAVE_AS),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is HEIC", SAVE_AS),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "is AVIF", SAVE_AS),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "is a camera's raw format", SAVE_AS),
        (b"\0\0\0\x18ftypisom\0\0\0\1isommp41", "is a video", SAVE_AS),
        (saved(PICTURE, "AVIF"), "is AVIF", SAVE_AS),
        (saved(PICTURE, "GIF"), "is GIF", SAVE_AS),
        (saved(PICTURE, "BMP"), "is BMP", SAVE_AS),
        (saved(PICTURE, "TIFF"), "is TIFF or a camera's raw format", SAVE_AS),
        (saved(PICTURE, "PDF"), "is PDF", SAVE_AS),
        (saved(PICTURE, "ICO"), "is ICO", SAVE_AS),
        (saved(PICTURE, "JPEG2000"), "is JPEG 2000", SAVE_AS),
        (b"8BPS\0\1", "is PSD", SAVE_AS),
        (b"PK\x03\x04", "is a ZIP archive", SAVE_AS),
        (
            saved(PICTURE).replace(b"\r\n", b"\n", 1),
            "is a PNG that was changed as if it were text",
            "mark it as binary in .gitattributes",
        ),
    ],
)
def test_a_file_is_named(content: bytes, what: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(content)
    with pytest.raises(WrongValueError) as error:
        inspect("mug.png", tmp_path)
    assert (error.value.what, error.value.allowed) == (f"'mug.png' {what}", advice)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_pictures_and_unknown_files_have_no_name(format: str) -> None:
    assert unusable_kind(saved(PICTURE, format)) is None
    assert unusable_kind(b"this is not a picture") is None
    with pytest.raises(PictureError, match=r"a isn't a readable picture; allowed: a complete PNG, JPEG or WebP file"):
        decode(b"this is not a picture", "a")
