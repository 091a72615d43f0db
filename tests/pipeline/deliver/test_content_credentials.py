"""A signed file without its credentials is the file that was signed, and damaged files do no harm."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from brandpress.pipeline.deliver.content_credentials import (
    MAX_PARTS,
    has_credentials,
    media_type_of,
    without_credentials,
)
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, Metadata, encode
from brandpress.pipeline.spec.output_name import EXTENSIONS


def file(format: str) -> bytes:
    picture = Image.radial_gradient("L").convert("RGB").resize((33, 47))
    return encode(picture, format, Metadata("ab" * 32, "brandpress 1"))


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_a_file_that_was_not_signed_stays_as_it_is(format: str) -> None:
    data = file(format)
    assert without_credentials(data) == data
    assert not has_credentials(data)
    assert media_type_of(data) == CONTENT_TYPES[format]


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_damaged_files_do_no_harm(format: str) -> None:
    data = file(format)
    for length in range(0, len(data), 7):
        assert without_credentials(data[:length]) == data[:length]


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\0\0\0\0AVI ", b"\xff\xd8", b"\xff\xd8\xff\xeb\0\0", b"RIFF"])
def test_other_files_stay_as_they_are(data: bytes) -> None:
    assert without_credentials(data) == data


def test_the_kind_of_other_files_is_unknown() -> None:
    assert media_type_of(b"GIF89a") is media_type_of(b"") is media_type_of(b"RIFF\0\0\0\0AVI ") is None


def test_a_file_whose_lengths_lie_ends() -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\xff\xff\xff\xffIDAT"
    assert without_credentials(png) == png
    stream = BytesIO()
    Image.new("RGB", (4, 4)).save(stream, "WEBP")
    lying = stream.getvalue()[:16] + b"\xff\xff\xff\xff" + stream.getvalue()[20:]
    assert without_credentials(lying) == lying


SMALL_PARTS = {
    b"\xff\xd8": (b"\xff\xe0\0\2", b"\xff\xeb\0\4JP"),
    b"\x89PNG\r\n\x1a\n": (b"\0\0\0\0tEXt\0\0\0\0", b"\0\0\0\0caBX\0\0\0\0"),
    b"RIFF\0\0\0\0WEBP": (b"ABCD\0\0\0\0", b"C2PA\0\0\0\0"),
}
"""How a file begins, its smallest part, and one with credentials."""


@pytest.mark.parametrize("start", SMALL_PARTS)
def test_a_file_of_many_small_parts_is_given_up(start: bytes) -> None:
    part, credentials = SMALL_PARTS[start]
    assert has_credentials(start + part * 5 + credentials)
    many = start + part * (MAX_PARTS + 5)
    assert not has_credentials(many + credentials)
    assert without_credentials(many) == many
