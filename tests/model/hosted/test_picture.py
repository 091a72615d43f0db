"""Downloaded data is the requested picture, or an error."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from brandpress.model.errors import HostedError
from brandpress.model.hosted.picture import decode_picture
from tests.bfl_server import colour_of, picture_of


def png_declaring(width: int, height: int) -> bytes:
    """A small PNG whose header declares this size."""
    data = bytearray(picture_of(1, (64, 64)))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pictures_are_converted_to_rgb(kind: str) -> None:
    picture = decode_picture(picture_of(1, (64, 80), kind), (64, 80))
    assert (picture.mode, picture.size) == ("RGB", (64, 80))
    if kind == "PNG":
        assert picture.getpixel((5, 5)) == colour_of(1)


def test_transparency_is_dropped() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (64, 64), (1, 2, 3, 4)).save(buffer, "PNG")
    assert decode_picture(buffer.getvalue(), (64, 64)).getpixel((0, 0)) == (1, 2, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "can't be read"),
        (b"<html>expired</html>", "can't be read"),
        (picture_of(1, (64, 64), "GIF"), "can't be read"),
        (picture_of(1, (64, 64))[:-40], "can't be read"),
        (picture_of(1, (64, 48)), "expected a picture of 64x64, BFL returned 64x48"),
        (png_declaring(20_000, 4_000), "expected a picture of 64x64, BFL returned 20000x4000"),
        (png_declaring(60_000, 60_000), r"can't be read \(DecompressionBombError\)"),
        (png_declaring(64, 64)[:20], "can't be read"),
    ],
)
def test_other_data_is_an_error(data: bytes, message: str) -> None:
    with pytest.raises(HostedError, match=message):
        decode_picture(data, (64, 64))
