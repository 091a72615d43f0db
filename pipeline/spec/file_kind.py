"""Names what a file is that can't be used as a reference picture, by its first bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

SAVE_AS = "save it as PNG, JPEG or WebP"
_HEAD = 4096
_LFS = re.compile(rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/")

_SIGNATURES = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"8BPS", "PSD"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"II*\0", "TIFF or a camera's raw format"),
    (b"MM\0*", "TIFF or a camera's raw format"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\0\0\1\0", "ICO"),
    (b"DDS ", "DDS"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"gimp xcf", "XCF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip"),
)
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_AVIF = {b"avif", b"avis"}


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file is, as the end of a sentence about it, and what to do about it."""

    what: str
    advice: str


def unusable_kind(content: bytes) -> FileKind | None:
    """Returns what a file is; None if it may be PNG, JPEG or WebP, or if it isn't recognised."""
    head = content[:_HEAD]
    if not head:
        return FileKind("is empty", "download or save it again")
    if _LFS.match(head):
        return FileKind("is a Git LFS pointer, not the picture", "run git lfs pull")
    if re.match(rb"(?:\x89|\xef\xbf\xbd|\xc2\x89)PNG\r?\n", head) and not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind("is a PNG that was changed as if it were text", "mark it as binary in .gitattributes")
    if head[4:8] == b"ftyp":
        return _media_kind(head)
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return FileKind(f"is {name}", SAVE_AS)
    return _text_kind(head)


def _media_kind(head: bytes) -> FileKind:
    """Returns the kind of a file in ISO's media format, by its main and its compatible brands."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))}
    if brands & _AVIF:
        return FileKind("is AVIF", SAVE_AS)
    if brands & _HEIC:
        return FileKind("is HEIC", SAVE_AS)
    return FileKind("is a camera's raw format" if b"crx " in brands else "is a video", SAVE_AS)


def _text_kind(head: bytes) -> FileKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not text.startswith((b"<", b"data:image/")):
        return None
    if text.startswith(b"data:"):
        return FileKind("is a data URL", SAVE_AS)
    if b"<svg" in text and b"<html" not in text:
        return FileKind("is SVG", SAVE_AS)
    if text.startswith(b"<!doctype html") or b"<html" in text or b"<head" in text or b"<body" in text:
        return FileKind("is a web page", "download the picture itself")
    return FileKind("is XML", "download the picture itself") if text.startswith(b"<?xml") else None
