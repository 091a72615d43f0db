"""Encoded files: marked as machine-generated, true to the picture, and reproducible byte for byte."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from brandpress.pipeline.deliver import encode as module
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, DIGITAL_SOURCE_TYPE, Metadata, encode, is_sealed
from brandpress.pipeline.spec.output_name import EXTENSIONS

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
def test_every_format_has_the_mark(format: str) -> None:
    tree = ElementTree.fromstring(packet(encode(picture(), format, METADATA), format))
    values = {name: [node.text for node in tree.iter(tag)] for name, tag in NAMES.items()}
    assert values == {
        "source": ["http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"],
        "tool": ["brandpress 1.2 <&>"],
        "identifier": ["ab" * 32],
    }
    assert values["source"][0] == DIGITAL_SOURCE_TYPE


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_the_same_picture_and_metadata_produce_the_same_bytes(format: str) -> None:
    annotated = picture()
    annotated.info.update({"icc_profile": b"x" * 200, "comment": b"where it came from", "exif": b"Exif\0\0"})
    plain = encode(picture(), format, METADATA)
    assert encode(annotated, format, METADATA) == plain
    assert encode(picture(), format, Metadata("cd" * 32, METADATA.tool)) != plain


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_a_seal_is_broken_by_any_change(format: str) -> None:
    data = encode(picture(), format, METADATA)
    assert is_sealed(data)
    for place in range(0, len(data), 61):
        changed = bytearray(data)
        changed[place] ^= 4
        assert not is_sealed(bytes(changed)), place
    assert not is_sealed(data[:-1])
    assert not is_sealed(data + b"\0")
    assert not is_sealed(encode(picture(), "png", METADATA))
    assert not is_sealed(b"")


@pytest.mark.parametrize(("format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_file_has_its_format_and_size(format: str, kind: str) -> None:
    opened = Image.open(BytesIO(encode(picture(), format, METADATA)))
    assert (opened.format, opened.size, opened.mode) == (kind, (96, 64), "RGB")
    assert CONTENT_TYPES[format] == Image.MIME[kind]


@pytest.fixture(params=["fpng", "Pillow"])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the PNG writer in use: fpng, then Pillow."""
    if request.param == "Pillow":
        monkeypatch.setattr(module, "_fast_writer", None)
    else:
        assert module._fast_writer is not None, "the test environment needs fpng"
    return str(request.param)


SIZES = [*((width, 34 - width) for width in range(1, 34)), (16, 16), (33, 33), (16, 128), (128, 16), (1023, 1025)]


@pytest.mark.parametrize("size", [*SIZES, (4096, 1024)], ids=str)
@pytest.mark.usefixtures("writer")
def test_png_keeps_every_pixel(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(7).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    flat = np.full_like(noise, 200)
    smooth = np.minimum(noise, 3) + np.arange(size[0], dtype=np.uint8)[None, :, None]
    for pixels in (noise, flat, smooth):
        opened = Image.open(BytesIO(encode(Image.fromarray(pixels), "png", METADATA)))
        assert opened.info.keys() == {"XML:com.adobe.xmp", "xmp"}
        assert np.array_equal(np.asarray(opened), pixels)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (kind, content) of the chunks of a PNG, and checks their checksums."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    offset = 8
    while offset < len(data):
        end = offset + 8 + int.from_bytes(data[offset : offset + 4], "big")
        assert zlib.crc32(data[offset + 4 : end]) == int.from_bytes(data[end : end + 4], "big")
        yield data[offset + 4 : offset + 8], data[offset + 8 : end]
        offset = end + 4
    assert offset == len(data)


def test_both_writers_write_the_same_mark_and_header(writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = list(chunks(encode(picture(), "png", METADATA)))
    kinds = [kind for kind, _ in own]
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert kinds.index(b"iTXt") < kinds.index(b"IDAT")
    assert ("fdEC" in str(kinds)) == (writer == "fpng")
    monkeypatch.setattr(module, "_fast_writer", None)
    pillow = dict(chunks(encode(picture(), "png", METADATA)))
    assert [content for kind, content in own if kind == b"iTXt"] == [pillow[b"iTXt"]]
    assert own[0][1] == pillow[b"IHDR"]


@pytest.mark.usefixtures("writer")
def test_each_writer_is_reproducible() -> None:
    assert encode(picture(), "png", METADATA) == encode(picture(), "png", METADATA)


def test_pillow_is_used_if_fpng_returns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """fpng returns nothing, and raises nothing, if it can't encode."""
    monkeypatch.setattr(module, "_fast_writer", lambda pixels, width, height, channels: b"")
    opened = Image.open(BytesIO(encode(picture(), "png", METADATA)))
    assert np.array_equal(np.asarray(opened), np.asarray(picture()))


@pytest.mark.parametrize(("format", "levels"), [("jpeg", 4), ("webp", 8)])
def test_lossy_formats_are_close(format: str, levels: int) -> None:
    opened = Image.open(BytesIO(encode(picture(), format, METADATA))).convert("RGB")
    assert np.abs(np.asarray(opened).astype(int) - np.asarray(picture()).astype(int)).mean() < levels


def test_jpeg_has_full_colour_resolution() -> None:
    opened = Image.open(BytesIO(encode(picture(), "jpeg", METADATA)))
    assert JpegImagePlugin.get_sampling(opened) == 0


@pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
def test_other_modes_are_converted_to_rgb(mode: str) -> None:
    for format in EXTENSIONS:
        assert Image.open(BytesIO(encode(picture(mode), format, METADATA))).mode == "RGB"


def test_unknown_formats_are_rejected() -> None:
    with pytest.raises(KeyError):
        encode(picture(), "gif", METADATA)
