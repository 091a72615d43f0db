"""Draws the corpus's pictures by their names: good ones, and one for each possible problem."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image


def good(name: str, size: tuple[int, int] = (96, 80), format: str = "PNG", mode: str = "RGB") -> bytes:
    """A picture of one colour, derived from its name."""
    colour = tuple(hashlib.sha256(name.encode()).digest()[:3])
    picture = (
        Image.new("I;16", size, colour[0] * 200) if mode == "I;16" else Image.new("RGB", size, colour).convert(mode)
    )
    return _saved(picture, format)


def animated(name: str, format: str) -> bytes:
    """Two frames."""
    frames = [Image.new("RGB", (96, 96), (level, 0, 0)) for level in (10, 200)]
    buffer = BytesIO()
    frames[0].save(buffer, format, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def huge(name: str) -> bytes:
    """A PNG whose header promises 12,000 x 12,000 pixels."""
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def heavy(name: str) -> bytes:
    """A good PNG with 64 MiB of zeros after it."""
    return good(name) + bytes(64 * 1_048_576)


BAD: dict[str, Callable[[str], bytes]] = {
    "animated.png": lambda name: animated(name, "PNG"),
    "animated.webp": lambda name: animated(name, "WEBP"),
    "cut.jpg": lambda name: good(name, (400, 400), "JPEG")[:-200],
    "cut.png": lambda name: good(name, (400, 400))[:-60],
    "empty.png": lambda name: b"",
    "gif.png": lambda name: good(name, format="GIF"),
    "heavy.png": heavy,
    "huge.png": huge,
    "long.png": lambda name: good(name, (640, 64)),
    "low.png": lambda name: good(name, (200, 63)),
    "svg.png": lambda name: b'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>',
    "text.png": lambda name: b"this is not a picture",
    "tiff.jpg": lambda name: good(name, format="TIFF"),
}
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP"}


def draw(path: Path) -> None:
    """Draws the picture for a file name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    make = BAD.get(path.name) or (lambda name: good(name, format=FORMATS[path.suffix]))
    path.write_bytes(make(path.name))


def _saved(picture: Image.Image, format: str) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format)
    return buffer.getvalue()
