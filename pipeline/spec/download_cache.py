"""The cache of downloads: files named by their digests, and for each address what its server needs to say whether its
file has changed (RFC 9110, conditional requests)."""

from __future__ import annotations

import atexit
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO

from brandpress.model.user_cache import user_cache
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError

MAX_VALIDATOR = 1_000
"""Longer validators, in characters, aren't kept."""
_MAX_ENTRY_BYTES = 8_192
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CachedAddress:
    """What is known of an address: the SHA-256 of its file, and the validators that its server sent, or "" each."""

    sha256: str
    etag: str = ""
    last_modified: str = ""

    @classmethod
    def of(cls, sha256: str, etag: str | None, last_modified: str | None) -> CachedAddress:
        """Returns the entry for a response with these headers."""
        return cls(sha256, _validator(etag), _validator(last_modified))

    @property
    def conditions(self) -> dict[str, str]:
        """The headers of a request that is answered with 304 if the file hasn't changed."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


def _validator(value: str | None) -> str:
    usable = value is not None and len(value) <= MAX_VALIDATOR and value.isascii() and value.isprintable()
    return value or "" if usable else ""


class DownloadCache:
    """A folder of downloads. folder: default, the user's."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_folder()

    def find(self, url: str) -> tuple[CachedAddress, Path] | None:
        """Returns what is known of an address and its intact file; None if its server must send it again."""
        with suppress(OSError, ValueError, TypeError, RecursionError):
            with self._entry(url).open("rb") as file:
                entry = CachedAddress(**json.loads(file.read(_MAX_ENTRY_BYTES)))
            if not all(isinstance(value, str) for value in asdict(entry).values()) or not entry.conditions:
                return None
            path = self.folder / entry.sha256
            if _SHA256.fullmatch(entry.sha256) and _digest(path) == entry.sha256:
                return entry, path
        return None

    def remember(self, url: str, entry: CachedAddress) -> None:
        """Keeps what is known of an address. Does nothing if that isn't possible."""
        path = self._entry(url)
        with suppress(OSError):
            if not entry.conditions:
                path.unlink(missing_ok=True)
                return
            with _temporary(self.folder) as file:
                file.write(json.dumps(asdict(entry)).encode())
            Path(file.name).replace(path)

    def store(self, chunks: Iterator[bytes]) -> Path:
        """Writes a download, chunk by chunk, and returns its path. An intact file in the cache is kept.

        Raises WrongValueError if the cache can't be written.
        """
        digest = hashlib.sha256()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = _temporary(self.folder)
        except OSError as error:
            raise self._error(error) from None
        temporary = Path(file.name)
        try:
            with file:
                for chunk in chunks:
                    digest.update(chunk)
                    self._write(file, chunk)
            path = self.folder / digest.hexdigest()
            try:
                if not path.is_file() or _digest(path) != path.name:
                    temporary.replace(path)
            except OSError as error:
                raise self._error(error) from None
            return path
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _entry(self, url: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()}.json"

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        try:
            file.write(chunk)
        except OSError as error:
            raise self._error(error) from None

    def _error(self, error: OSError) -> WrongValueError:
        reason = error.strerror or type(error).__name__
        return WrongValueError(f"the reference can't be cached in {quote(self.folder)}: {reason}", "set XDG_CACHE_HOME")


def cache_folder() -> Path:
    """Returns the folder of downloads."""
    return (user_cache() or _temporary_folder()) / "references"


@cache
def _temporary_folder() -> Path:
    """Returns a folder that ends with this process, for users without a home folder."""
    folder = tempfile.mkdtemp(prefix="brandpress-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _temporary(folder: Path) -> IO[bytes]:
    return tempfile.NamedTemporaryFile(dir=folder, delete=False)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
