"""Thumbnails of pictures, one WebP file for each content: `thumbnails/<sha256>.webp`. Those that exist are kept."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from brandpress.pipeline.review.contact_sheet import PAPER, thumbnail
from brandpress.pipeline.spec.decode import PictureError
from brandpress.pipeline.store.protocol import StoreError, sha256_hex

FOLDER = "thumbnails"
SIDE = 384
"""Pixels of the longer side: cells of the page are at most half as large, and screens of phones have two or three
pixels for each."""
QUALITY = 80


@dataclass(frozen=True)
class PictureSource:
    """Where a picture comes from. read: returns the file's content, None if it's missing. background: the colour behind
    transparent pixels. read_small: returns a WebP file of it that is small already; None if there is none."""

    label: str
    sha256: str
    read: Callable[[], bytes | None]
    background: str = PAPER
    read_small: Callable[[], bytes | None] = lambda: None


@dataclass(frozen=True)
class Thumbnails:
    """The thumbnails in a folder."""

    folder: Path

    def file(self, sha256: str) -> Path:
        """Returns the path of the thumbnail of a picture with this SHA-256."""
        return self.folder / FOLDER / f"{sha256}.webp"

    def make(self, source: PictureSource) -> str:
        """Makes the thumbnail of a picture unless it exists. Returns what is wrong with the picture; "" if nothing is.

        The picture isn't read if there is a small one. Raises StoreError if the store or the folder can't be used.
        """
        file = self.file(source.sha256)
        if file.exists():
            return ""
        if (small := source.read_small()) is not None:
            write_file(file, small)
            return ""
        data = source.read()
        if data is None:
            return f"{source.label}: the picture is missing"
        if sha256_hex(data) != source.sha256:
            return f"{source.label}: the picture has changed"
        try:
            content = webp(data, source.background)
        except PictureError:
            return f"{source.label}: the picture can't be read"
        write_file(file, content)
        return ""

    def make_all(
        self, sources: Iterable[PictureSource], on_picture: Callable[[int, int], None] = lambda done, total: None
    ) -> tuple[str, ...]:
        """Makes the thumbnails that don't exist, one on each core. Returns what is wrong with which pictures.

        on_picture: called with the numbers of pictures done and of all. Raises StoreError.
        """
        unique: Mapping[str, PictureSource] = {source.sha256: source for source in sources}
        broken = []
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            for number, problem in enumerate(threads.map(self.make, unique.values()), 1):
                broken += [problem] if problem else []
                on_picture(number, len(unique))
        return tuple(broken)


def webp(data: bytes, background: str = PAPER, side: int = SIDE) -> bytes:
    """Returns the thumbnail of the picture in `data` as a WebP file. Raises PictureError."""
    content = BytesIO()
    thumbnail(data, side, background).convert("RGB").save(content, "WEBP", quality=QUALITY, method=2)
    return content.getvalue()


def write_file(file: Path, content: bytes) -> None:
    """Writes a file that appears whole, and its folder. Raises StoreError."""
    temporary = file.with_name(f".brandpress-{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise StoreError(f"{file}: {error.strerror or error}") from None
