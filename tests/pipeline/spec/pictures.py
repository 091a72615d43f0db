"""Picture files and ICC profiles for tests, written byte by byte where Pillow can't write them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from brandpress.pipeline.spec.picture import Picture, inspect_file, locate

SIGNATURE = b"\x89PNG\r\n\x1a\n"
WHITE_D50 = (0.9642, 1.0, 0.8249)


def saved(picture: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """The picture's file."""
    buffer = BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def inspect(file: str, folder: Path) -> Picture:
    """The picture at a path below a folder, as a brand spec's is inspected."""
    return inspect_file(file, locate(file, folder))


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def insert(content: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    return content[:33] + b"".join(chunks) + content[33:]


def png(width: int, height: int, bits: int, colour_type: int, row: bytes, *chunks: bytes) -> bytes:
    """A PNG whose rows are all the same."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress((b"\0" + row) * height))
    return SIGNATURE + header + b"".join(chunks) + data + chunk(b"IEND", b"")


def interlaced(picture: Image.Image) -> bytes:
    """A gray picture as an interlaced PNG, which Pillow can't write."""
    return interlaced_png(np.asarray(picture)[:, :, None], 8, 0)


def interlaced_png(samples: NDArray[Any], bits: int, colour_type: int, *chunks: bytes) -> bytes:
    """An interlaced PNG of samples (rows, columns, channels) with 8 or 16 bits."""
    rows, columns, _ = samples.shape
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, bits, colour_type, 0, 0, 1))
    levels, data = samples.astype(f">u{bits // 8}"), b""
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    for top, left, down, across in passes:
        data += b"".join(b"\0" + row.tobytes() for row in levels[top::down, left::across])
    return SIGNATURE + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def profile_of(name: str) -> bytes:
    """A profile that LittleCMS creates, such as sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def _profile(space: bytes, pcs: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile, version 2.4."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"a\0" + bytes(79)} | tags
    tags |= {b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(*WHITE_D50)}
    offset = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content
    header = struct.pack(">I4sI", offset + len(data), b"test", 0x02400000) + kind + space + pcs + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + _xyz(*WHITE_D50)[8:]
    return header.ljust(128, b"\0") + table + data


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65_536) for value in values))


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


def rgb_profile(gamma: float, red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...]) -> bytes:
    """A profile of three primaries (XYZ under D50) and a gamma."""
    tags = {b"rXYZ": _xyz(*red), b"gXYZ": _xyz(*green), b"bXYZ": _xyz(*blue)}
    curves = dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], _gamma(gamma))
    return _profile(b"RGB ", b"XYZ ", b"mntr", tags | curves)


def cmyk_profile() -> bytes:
    """A profile whose inks have other colours than their names: L* falls by a quarter with each, cyan is red."""
    corners = b"".join(bytes((255 - 63 * sum(inks), 128 + 60 * inks[0], 128)) for inks in product((0, 1), repeat=4))
    ramp = bytes(range(256))
    identity = struct.pack(">9i", 65_536, 0, 0, 0, 65_536, 0, 0, 0, 65_536)
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + ramp * 4 + corners + ramp * 3
    return _profile(b"CMYK", b"Lab ", b"prtr", {b"A2B0": lut})


ADOBE_RGB = rgb_profile(
    2.19921875, (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)
)
DISPLAY_P3 = rgb_profile(2.2, (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
GRAY_LINEAR = _profile(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": _gamma(1.0)})
CMYK = cmyk_profile()
