"""Where a file's content credentials (C2PA) are: what was added by signing it, and the file without that."""

from __future__ import annotations

from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_SCAN, _END = 0xDA, 0xD9
_APP11 = 0xEB

MAX_PARTS = 100_000
"""The most chunks or segments of a file that are searched for credentials."""


def media_type_of(data: bytes) -> str | None:
    """Returns the media type of a PNG, JPEG or WebP file by its first bytes; None for anything else."""
    if data.startswith(_PNG):
        return "image/png"
    if data.startswith(_JPEG):
        return "image/jpeg"
    return "image/webp" if _is_webp(data) else None


def without_credentials(data: bytes) -> bytes:
    """Returns a PNG, JPEG or WebP file as it was before it was signed. A file without credentials stays as it is."""
    if data.startswith(_PNG):
        return data[:8] + b"".join(data[start:end] for start, end, kind in _chunks(data) if kind != b"caBX")
    if data.startswith(_JPEG):
        segments = (data[start:end] for start, end, signed in _segments(data) if not signed)
        return data[:2] + b"".join(segments)
    if _is_webp(data):
        parts = [data[start:end] for start, end, kind in _riff_chunks(data)]
        kept = [part for part in parts if part[:4] != b"C2PA"]
        if len(kept) == len(parts):
            return data
        body = b"WEBP" + b"".join(kept)
        return b"RIFF" + len(body).to_bytes(4, "little") + body
    return data


def has_credentials(data: bytes) -> bool:
    """Whether a file has content credentials, whatever they are worth."""
    return len(without_credentials(data)) != len(data)


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields (start, end, kind) of a PNG's chunks; the rest of a damaged file, or behind MAX_PARTS, is one."""
    start, left = 8, MAX_PARTS
    while start < len(data) and left:
        left -= 1
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        yield start, min(end, len(data)), data[start + 4 : start + 8]
        start = end
    if start < len(data):
        yield start, len(data), b""


def _segments(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yields (start, end, whether it holds credentials) of a JPEG's segments; from the scan on, all is one."""
    start, left = 2, MAX_PARTS
    while left and start + 4 <= len(data) and data[start] == 0xFF and data[start + 1] not in (_SCAN, _END):
        left -= 1
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        yield start, end, data[start + 1] == _APP11 and data[start + 4 : start + 6] == b"JP"
        start = end
    yield start, len(data), False


def _riff_chunks(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yields (start, end, kind) of a WebP's chunks, which have an even length."""
    start, left = 12, MAX_PARTS
    while start < len(data) and left:
        left -= 1
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        end = start + 8 + size + size % 2
        yield start, min(end, len(data)), data[start : start + 4]
        start = end
    if start < len(data):
        yield start, len(data), b""
