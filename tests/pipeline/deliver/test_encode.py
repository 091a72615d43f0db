"""Files say that a machine made them, are the picture that was rendered, and are the same bytes each time."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from pipeline.deliver.encode import CONTENT_TYPES, DIGITAL_SOURCE_TYPE, Metadata, encode
from pipeline.plan.variant import EXTENSIONS

METADATA = Metadata(render_key="ab" * 32, tool="brandpress 1.2 <&>")
NAMES = {
    "source": "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType",
    "tool": "{http://ns.adobe.com/xap/1.0/}CreatorTool",
    "identifier": "{http://purl.org/dc/elements/1.1/}identifier",
}


def picture(mode: str = "RGB") -> Image.Image:
    x, y = np.meshgrid(np.arange(96), np.arange(64))
    pixels = np.stack([x * 2, y * 3, (x + y) % 256], axis=-1).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def packet(data: bytes, format: str) -> bytes:
    opened = Image.open(BytesIO(data))
    opened.load()
    if format == "png":
        text = opened.info["XML:com.adobe.xmp"]
        return str(text).encode()
    return bytes(opened.info["xmp"])


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_every_format_carries_the_mark(format: str) -> None:
    tree = ElementTree.fromstring(packet(encode(picture(), format, METADATA), format))
    found = {name: [node.text for node in tree.iter(tag)] for name, tag in NAMES.items()}
    assert found == {
        "source": ["http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"],
        "tool": ["brandpress 1.2 <&>"],
        "identifier": ["ab" * 32],
    }
    assert found["source"][0] == DIGITAL_SOURCE_TYPE


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_same_picture_and_metadata_same_bytes(format: str) -> None:
    told = picture()
    told.info.update({"icc_profile": b"x" * 200, "comment": b"where it came from", "exif": b"Exif\0\0"})
    plain = encode(picture(), format, METADATA)
    assert encode(told, format, METADATA) == plain
    assert encode(picture(), format, Metadata("cd" * 32, METADATA.tool)) != plain


@pytest.mark.parametrize(("format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_file_is_of_its_format_and_size(format: str, kind: str) -> None:
    opened = Image.open(BytesIO(encode(picture(), format, METADATA)))
    assert (opened.format, opened.size, opened.mode) == (kind, (96, 64), "RGB")
    assert CONTENT_TYPES[format] == Image.MIME[kind]


def test_png_keeps_every_pixel() -> None:
    opened = Image.open(BytesIO(encode(picture(), "png", METADATA)))
    assert np.array_equal(np.asarray(opened), np.asarray(picture()))


@pytest.mark.parametrize(("format", "levels"), [("jpeg", 4), ("webp", 8)])
def test_lossy_formats_stay_close(format: str, levels: int) -> None:
    opened = Image.open(BytesIO(encode(picture(), format, METADATA))).convert("RGB")
    assert np.abs(np.asarray(opened).astype(int) - np.asarray(picture()).astype(int)).mean() < levels


def test_jpeg_has_full_colour_resolution() -> None:
    opened = Image.open(BytesIO(encode(picture(), "jpeg", METADATA)))
    assert JpegImagePlugin.get_sampling(opened) == 0


@pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
def test_other_modes_are_turned_to_rgb(mode: str) -> None:
    for format in EXTENSIONS:
        assert Image.open(BytesIO(encode(picture(mode), format, METADATA))).mode == "RGB"


def test_another_format_is_refused() -> None:
    with pytest.raises(KeyError):
        encode(picture(), "gif", METADATA)
