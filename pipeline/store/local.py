"""A store in a local folder: whole files by link and rename, no link followed below the root."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brandpress.pipeline.store.protocol import OWN_PREFIX, Entry, ObjectStat, Scope, StoreError, check_key, sha256_hex

LOCK = f"{OWN_PREFIX}lock"
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR}
_OF_THE_STORE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_OF_THE_KEY = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EFBIG}
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class LocalStore:
    """Etags are the SHA-256 of the content. Data is on the disk (fsync) before it has a name.

    Folders are walked by descriptor with O_NOFOLLOW, so that no link and no race leads out of the root; the root itself
    may be a link. Compare-and-swap holds one lock file per store.
    """

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root).expanduser().absolute()

    @property
    def uri(self) -> str:
        return str(self._root)

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        with self._parent(key, make=True) as (folder, name):
            if _exists(name, folder):
                return False
            return self._place(folder, name, data)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        with self._parent(key, make=True) as (folder, name), self._lock():
            standing = _read(name, folder)
            if (None if standing is None else sha256_hex(standing)) != expected:
                return False
            with _temporary(folder, data) as temporary:
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
            return True

    def read(self, key: str) -> bytes | None:
        try:
            with self._parent(key, make=False) as (folder, name):
                return _read(name, folder)
        except _MissingError:
            return None

    def stat(self, key: str) -> ObjectStat | None:
        try:
            with self._parent(key, make=False) as (folder, name):
                return _stat(name, folder)
        except _MissingError:
            return None

    def list(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[Entry]:
        return (entry for entry in self._found(prefix) if not _is_own(entry.key))

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        return (entry for entry in self._found(prefix) if _is_own(entry.key) and entry.key != LOCK)

    def delete(self, key: str) -> None:
        try:
            with self._parent(key, make=False, leftover=True) as (folder, name), suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        except _MissingError:
            pass

    def _found(self, prefix: str) -> Iterator[Entry]:
        top, _, _ = prefix.rpartition("/")
        with self._errors(prefix):
            found = [entry for entry in _walk(self._root, top) if entry.key.startswith(prefix)]
        yield from found

    def check(self) -> tuple[str, ...]:
        with self._errors(""):
            self._root.mkdir(parents=True, exist_ok=True)
            root = os.open(self._root, _DIRECTORY)
            try:
                with _temporary(root, b""):
                    return ()
            finally:
                os.close(root)

    def _place(self, folder: int, name: str, data: bytes) -> bool:
        with _temporary(folder, data) as temporary:
            try:
                os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                with self._lock():
                    if _exists(name, folder):
                        return False
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
        return True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        lock = os.open(self._root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _parent(self, key: str, *, make: bool, leftover: bool = False) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder of `key`, and the file's name. Without `make`: _MissingError if it isn't there."""
        *folders, name = check_key(key, leftover=leftover).split("/")
        with self._errors(key):
            if make:
                self._root.mkdir(parents=True, exist_ok=True)
            try:
                folder = _descend(self._root, folders, make=make)
            except OSError as error:
                if not make and error.errno in _NOT_THERE:
                    raise _MissingError from None
                raise
            try:
                yield folder, name
            finally:
                os.close(folder)

    @contextmanager
    def _errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(_message(self._root / key if key else self._root, error), _scope(error)) from error


class _MissingError(Exception):
    """A folder on the way to a key isn't there."""


def _descend(root: Path, folders: list[str], *, make: bool) -> int:
    current = os.open(root, _DIRECTORY)
    for name in folders:
        try:
            try:
                following = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            except FileNotFoundError:
                if not make:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=current)
                    os.fsync(current)
                following = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


@contextmanager
def _temporary(folder: int, data: bytes) -> Iterator[str]:
    """The name of a file in `folder` that holds `data`, on the disk; gone afterwards unless it was renamed."""
    name = f"{OWN_PREFIX}{secrets.token_hex(8)}"
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _open(name: str, folder: int) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None


def _read(name: str, folder: int) -> bytes | None:
    file = _open(name, folder)
    if file is None:
        return None
    with os.fdopen(file, "rb") as stream:
        return stream.read()


def _stat(name: str, folder: int) -> ObjectStat | None:
    file = _open(name, folder)
    if file is None:
        return None
    with os.fdopen(file, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return ObjectStat(etag=digest, bytes=stream.tell(), sha256=digest)


def _walk(root: Path, top: str) -> Iterator[Entry]:
    """All regular files below root/top; links are left out."""
    waiting = [top]
    while waiting:
        below = waiting.pop()
        try:
            if any((root / part).is_symlink() for part in _ways(below)):
                continue
            found = list(os.scandir(root / below))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for file in found:
            key = f"{below}/{file.name}" if below else file.name
            if file.is_dir(follow_symlinks=False):
                waiting.append(key)
            elif file.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    stat = file.stat(follow_symlinks=False)
                    yield Entry(key, stat.st_size, stat.st_mtime)


def _is_own(key: str) -> bool:
    return any(segment.startswith(OWN_PREFIX) for segment in key.split("/"))


def _ways(below: str) -> list[str]:
    segments = below.split("/") if below else []
    return ["/".join(segments[: index + 1]) for index in range(len(segments))]


def _scope(error: OSError) -> Scope:
    if error.errno in _OF_THE_STORE:
        return "store"
    return "key" if error.errno in _OF_THE_KEY else "moment"


def _message(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"{path}: the disk is full; make room and run again, what is delivered stays"
        case errno.EROFS:
            return f"{path}: the file system is read-only; deliver to another folder"
        case errno.EACCES | errno.EPERM:
            return f"{path}: access denied; check the folder's owner and mode"
        case errno.ELOOP:
            return f"{path}: there is a link on the way; a store follows no links below its folder"
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST:
            return f"{path}: a file or a link stands where a folder is needed, or a folder where a file is"
        case errno.ENAMETOOLONG:
            return f"{path}: the name is too long for this file system"
        case _:
            return f"{path}: {error.strerror or type(error).__name__}"
