"""Reads a PNG's chunks, so that only those with pixels are passed to Pillow.

Pillow decompresses texts and colour profiles on opening and refuses a file with a large one. Texts say nothing about
the pixels: they are skipped, except for the one in which ImageMagick keeps EXIF.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 16 * 2**20
MAX_EXIF_BYTES = 2**20
GRAY, COLOUR, PALETTE, GRAY_ALPHA = 0, 2, 3, 4
"""Colour types."""

_EXIF_TEXTS = (b"Raw profile type exif\0", b"Raw profile type APP1\0")
_SRGB_GAMMA, _GAMMA_TOLERANCE = 45_455, 500
_SRGB_CHROMATICITIES = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_CHROMATICITY_TOLERANCE = 500
_SRGB_CODE_POINTS = b"\1\x0d\0\1"
_BROKEN_TRANSPARENCY = "has a broken transparent colour (tRNS), which isn't followed; save it again"
_INFORMATION = 0x20
"""The bit of a chunk type's first letter that says that a decoder may ignore the chunk."""


@dataclass(frozen=True)
class Png:
    """A PNG without its metadata.

    content: a PNG with the chunks that decide its pixels. bits: per sample. colour_type: as in IHDR. profile: the
    embedded ICC profile; empty if it's broken. exif: empty if there is none. transparent_sample: the gray level or the
    colour of transparent pixels, as stored. frames: of an animation; 1 without. warnings: what the file says about its
    colours and isn't followed, as ends of sentences about it.
    """

    content: bytes = field(repr=False)
    bits: int
    colour_type: int
    profile: bytes | None = field(repr=False)
    exif: bytes = field(repr=False)
    transparent_sample: tuple[int, ...] | None
    frames: int
    warnings: tuple[str, ...]


def read_png(content: bytes) -> Png:
    """Returns the PNG in `content`. Raises ValueError if its header isn't complete. Pixels aren't checked."""
    pixels: list[bytes | memoryview] = [SIGNATURE]
    notes: dict[bytes, bytes] = {}
    exif = b""
    view = memoryview(content)
    colour_type = content[25] if len(content) > 25 else 0
    for kind, start, end in _chunks(content):
        if not kind[0] & _INFORMATION or (kind == b"tRNS" and colour_type == PALETTE):
            pixels.append(view[start - 8 : end + 4])
        if kind in (b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"acTL", b"tRNS", b"IHDR"):
            notes.setdefault(kind, content[start:end])
        elif kind == b"fdAT":
            notes.setdefault(kind, b"")
        elif kind == b"eXIf":
            exif = content[start:end]
        elif kind in (b"tEXt", b"zTXt") and content.startswith(_EXIF_TEXTS, start):
            exif = exif or _exif_text(kind, content[start:end])
    header = notes.get(b"IHDR", b"")
    if len(header) != 13 or len(content) < 33 or content[12:16] != b"IHDR":
        raise ValueError("it has no header")
    bits = header[8]
    transparent = _transparent_sample(notes.get(b"tRNS"), bits, colour_type)
    profile = _profile(notes[b"iCCP"]) if b"iCCP" in notes else None
    return Png(
        content=b"".join(pixels),
        bits=bits,
        colour_type=colour_type,
        profile=profile,
        exif=exif,
        transparent_sample=transparent,
        frames=_frames(notes),
        warnings=(
            *(_colour_warnings(notes) if not profile else ()),
            *((_BROKEN_TRANSPARENCY,) if b"tRNS" in notes and transparent is None and colour_type != PALETTE else ()),
        ),
    )


def _frames(notes: dict[bytes, bytes]) -> int:
    """The number of frames. The only frame of an animation may be another picture than that which still viewers show,
    and then counts as a second one."""
    if len(notes.get(b"acTL", b"")) != 8:
        return 1
    (frames,) = struct.unpack(">I", notes[b"acTL"][:4])
    return max(int(frames), 2 if b"fdAT" in notes else 1)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields type, start and end of the data of each chunk up to IEND or the end of the file. The last chunk may be
    incomplete."""
    position = len(SIGNATURE)
    while position + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        yield kind, position + 8, position + 8 + length
        position += length + 12
        if kind == b"IEND":
            return


def _profile(chunk: bytes) -> bytes:
    """Returns the profile in an iCCP chunk, or nothing if it can't be read."""
    _, _, rest = chunk.partition(b"\0")
    return _inflated(rest[1:], MAX_PROFILE_BYTES)


def _exif_text(kind: bytes, chunk: bytes) -> bytes:
    """Returns the EXIF in one of ImageMagick's text chunks (a name, a length, then hexadecimal digits), or nothing."""
    _, _, text = chunk.partition(b"\0")
    if kind == b"zTXt":
        text = _inflated(text[1:], MAX_EXIF_BYTES)
    try:
        return bytes.fromhex(b"".join(text[:MAX_EXIF_BYTES].split(b"\n")[3:]).decode("ascii"))
    except ValueError:
        return b""


def _inflated(compressed: bytes, max_bytes: int) -> bytes:
    """Returns the decompressed data, or nothing if it's broken or too large."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(compressed, max_bytes)
    except zlib.error:
        return b""
    return data if stream.eof else b""


def _transparent_sample(chunk: bytes | None, bits: int, colour_type: int) -> tuple[int, ...] | None:
    """The transparent sample; of its 16 bits, only as many count as a sample of the picture has."""
    count = {GRAY: 1, COLOUR: 3}.get(colour_type)
    if chunk is None or count is None or len(chunk) < 2 * count:
        return None
    return tuple(level & ((1 << bits) - 1) for level in struct.unpack_from(f">{count}H", chunk))


def _colour_warnings(notes: dict[bytes, bytes]) -> Iterator[str]:
    """Yields what the chunks of a picture without a usable profile say about its colours, if it isn't sRGB."""
    if b"iCCP" in notes:
        yield "has a broken colour profile; its colours are taken as sRGB"
    code_points = notes.get(b"cICP", _SRGB_CODE_POINTS)
    if code_points != _SRGB_CODE_POINTS:
        numbers = "/".join(map(str, code_points))
        yield f"has other colours than sRGB (cICP {numbers}), which isn't followed; convert it to sRGB"
        return
    if notes.keys() & {b"iCCP", b"cICP", b"sRGB"}:
        return
    gamma, chromaticities = notes.get(b"gAMA", b""), notes.get(b"cHRM", b"")
    if len(gamma) == 4 and abs(int.from_bytes(gamma, "big") - _SRGB_GAMMA) > _GAMMA_TOLERANCE:
        yield "has another gamma than sRGB (gAMA), which isn't followed; convert it to sRGB"
    if len(chromaticities) == 32 and any(
        abs(value - expected) > _CHROMATICITY_TOLERANCE
        for value, expected in zip(struct.unpack(">8I", chromaticities), _SRGB_CHROMATICITIES, strict=True)
    ):
        yield "has other primaries than sRGB (cHRM), which aren't followed; convert it to sRGB"
