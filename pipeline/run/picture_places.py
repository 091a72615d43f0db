"""Reads pictures wherever they were published: files and folders, object stores, and web addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.pipeline.spec.delivery import explain
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.remote import DOWNLOAD_IT, Downloader, ForbiddenHostError, is_address
from brandpress.pipeline.store.address import open_store

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif")
MAX_BYTES = 256 * 2**20
"""Of a picture that is read."""


class ForbiddenPictureError(RequestError):
    """A picture is at a host that this machine doesn't allow."""

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """Where a picture is. read: returns its content; raises BrandpressError."""

    uri: str
    read: Callable[[], bytes]


def picture_places(uri: str) -> Iterator[PicturePlace]:
    """Yields the pictures at `uri`, sorted: a file, a folder with its subfolders, `s3://bucket/prefix`, or `https://…`.

    Raises RequestError if there are none, and StoreError.
    """
    if uri.startswith("s3://"):
        yield from _in_store(uri)
    elif uri.startswith("file://") or not is_address(uri):
        yield from _on_disk(uri)
    else:
        yield PicturePlace(uri, lambda: _download(uri))


def _download(url: str) -> bytes:
    """Returns a picture of the web, and keeps no copy of it, unlike references."""
    try:
        with TemporaryDirectory(prefix="brandpress-") as folder, Downloader(folder=Path(folder)) as downloader:
            return downloader.fetch(url, MAX_BYTES).read_bytes()
    except WrongValueError as error:
        message = explain(error).replace(DOWNLOAD_IT, "download it and name the file")
        if isinstance(error, ForbiddenHostError):
            raise ForbiddenPictureError(message, error.host) from None
        raise RequestError(message) from None


def _on_disk(uri: str) -> Iterator[PicturePlace]:
    path = Path(uri.removeprefix("file://"))
    if not path.is_dir():
        yield PicturePlace(uri, lambda: _read(path))
        return
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise RequestError(f"{uri}: there are no pictures in this folder; allowed: {', '.join(SUFFIXES)}")
    for file in files:
        yield PicturePlace(str(file), lambda file=file: _read(file))  # type: ignore[misc] # a default has no type


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RequestError(f"it's larger than {MAX_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"it can't be read: {error.strerror or type(error).__name__}") from None


def _in_store(uri: str) -> Iterator[PicturePlace]:
    """Yields the object at `uri` if its name is that of a picture, or all pictures below it."""
    parent, _, name = uri.rpartition("/")
    single = PurePosixPath(name).suffix.lower() in SUFFIXES and parent != "s3:/"
    store = open_store(parent if single else uri)
    keys = [name] if single else sorted(key for key in store.list("") if key.lower().endswith(SUFFIXES))
    if not keys:
        raise RequestError(f"{uri}: there are no pictures here; allowed: {', '.join(SUFFIXES)}")

    def read(key: str) -> bytes:
        data = store.read(key)
        if data is None:
            raise BrandpressError("there is no such object")
        return data

    for key in keys:
        yield PicturePlace(f"{store.uri}/{key}", lambda key=key: read(key))  # type: ignore[misc] # a default has no type
