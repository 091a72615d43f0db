"""A store in a local folder. Files appear whole, by link and rename; symlinks below the root are never followed."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from brandpress.pipeline.store.folding import FOLDS_ALL, Folding, folding_of, probe_folding
from brandpress.pipeline.store.protocol import (
    INTERNAL_PREFIX,
    Entry,
    ObjectStat,
    Scope,
    StoreError,
    check_key,
    check_size,
    sha256_hex,
)
from brandpress.pipeline.store.walk import walk

LOCK = f"{INTERNAL_PREFIX}lock"
LOCK_SECONDS = 30.0
"""How long to wait for the lock. It's held for milliseconds, unless its holder is stopped or its disk hangs."""

_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_MISSING = {errno.ENOENT, errno.ENOTDIR}
_STORE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
_KEY_ERRORS = {errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EFBIG}
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class LocalStore:
    """Etags are the SHA-256 of the content. Data is synced to disk before it gets its name.

    Folders are opened by descriptor with O_NOFOLLOW, so that neither symlinks nor races lead out of the root. The root
    itself can be a symlink. Compare-and-swap holds one lock file per store.
    """

    def __init__(self, root: Path | str) -> None:
        self._root = Path(root).expanduser().absolute()
        self._folding: Folding | None = None

    @property
    def uri(self) -> str:
        return str(self._root)

    @property
    def dialect(self) -> None:
        return None

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        with self._parent(key, create=True) as (folder, name):
            if _exists(name, folder):
                return False
            return self._create_in(folder, name, data)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        with self._parent(key, create=True) as (folder, name), self._lock():
            current = _read(name, folder, self._root / key)
            if (None if current is None else sha256_hex(current)) != expected:
                return False
            with _temporary(folder, data) as temporary:
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)
            return True

    def read(self, key: str) -> bytes | None:
        try:
            with self._parent(key, create=False) as (folder, name):
                return _read(name, folder, self._root / key)
        except _MissingError:
            return None

    def stat(self, key: str) -> ObjectStat | None:
        try:
            with self._parent(key, create=False) as (folder, name):
                return _stat(name, folder)
        except _MissingError:
            return None

    def list(self, prefix: str) -> Iterator[str]:
        return (key for key, _ in self._files(prefix) if not _is_internal(key))

    def entries(self, prefix: str) -> Iterator[Entry]:
        return self._entries(prefix, lambda key: not _is_internal(key))

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        return self._entries(prefix, lambda key: _is_internal(key) and key != LOCK)

    def delete(self, key: str) -> None:
        try:
            with self._parent(key, create=False, leftover=True) as (folder, name), suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
        except _MissingError:
            pass

    def _entries(self, prefix: str, chosen: Callable[[str], bool]) -> Iterator[Entry]:
        for key, file in self._files(prefix):
            if chosen(key):
                with self._errors(key), suppress(FileNotFoundError):
                    stat = file.stat(follow_symlinks=False)
                    yield Entry(key, stat.st_size, stat.st_mtime)

    def _files(self, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        top, _, _ = prefix.rpartition("/")
        with self._errors(prefix):
            for key, file in walk(self._root, top):
                if key.startswith(prefix):
                    yield key, file

    def check(self) -> tuple[str, ...]:
        with self._errors(""):
            _make_folders(self._root)
            root = os.open(self._root, _DIRECTORY)
            try:
                with _temporary(root, b""):
                    pass
            finally:
                os.close(root)
            self._folding = self._folding or probe_folding(self._root, _temporary_name())
        return ()

    def canonical(self, key: str) -> str:
        """Judges by the names in the root, unless `check` was called before. Assumes that an empty root folds."""
        if self._folding is None:
            try:
                self._folding = folding_of(self._root) or FOLDS_ALL
            except OSError:  # other calls report it
                self._folding = FOLDS_ALL
        return self._folding.canonical(key)

    def _create_in(self, folder: int, name: str, data: bytes) -> bool:
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
            _wait_for_lock(lock)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _parent(self, key: str, *, create: bool, leftover: bool = False) -> Iterator[tuple[int, str]]:
        """Yields a descriptor of the folder of `key`, and the file's name.

        create: create missing folders; otherwise raises _MissingError if one doesn't exist.
        """
        *folders, name = check_key(key, leftover=leftover).split("/")
        with self._errors(key):
            if create:
                _make_folders(self._root)
            try:
                folder = _open_folder(self._root, folders, create=create)
            except OSError as error:
                if not create and error.errno in _MISSING:
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
    """A folder on the path of a key doesn't exist."""


def _make_folders(path: Path) -> None:
    """Creates `path` and its missing parents, each synced to disk together with its name. Symlinks are followed."""
    if path.is_dir():
        return
    _make_folders(path.parent)
    path.mkdir(exist_ok=True)
    for folder in (path, path.parent):
        descriptor = os.open(folder, _DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _wait_for_lock(lock: int) -> None:
    """Locks a file. Raises OSError (ETIMEDOUT) if another process holds it for too long, such as a stopped one."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OSError(errno.ETIMEDOUT, f"{LOCK} is locked by another process") from None
            time.sleep(0.01)


def _open_folder(root: Path, folders: list[str], *, create: bool) -> int:
    """Returns a descriptor of the folder at root/folders, opened one folder at a time."""
    current = os.open(root, _DIRECTORY)
    for name in folders:
        try:
            try:
                child = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
            except FileNotFoundError:
                if not create:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=current)
                    os.fsync(current)
                child = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=current)
        finally:
            os.close(current)
        current = child
    return current


@contextmanager
def _temporary(folder: int, data: bytes) -> Iterator[str]:
    """Yields the name of a synced file in `folder` with `data`. It's deleted afterwards unless it was renamed."""
    name = _temporary_name()
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


def _temporary_name() -> str:
    return f"{INTERNAL_PREFIX}{secrets.token_hex(8)}"


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _open(name: str, folder: int) -> BufferedReader | None:
    """Returns a file to read; None if there is none. Leaves no descriptor open if a folder is in its place."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return open(name, "rb", opener=lambda path, _: os.open(path, flags, dir_fd=folder))
    except FileNotFoundError:
        return None


def _read(name: str, folder: int, path: Path) -> bytes | None:
    file = _open(name, folder)
    if file is None:
        return None
    with file:
        check_size(str(path), os.fstat(file.fileno()).st_size)
        return file.read()


def _stat(name: str, folder: int) -> ObjectStat | None:
    file = _open(name, folder)
    if file is None:
        return None
    with file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return ObjectStat(etag=digest, bytes=file.tell(), sha256=digest)


def _is_internal(key: str) -> bool:
    return any(segment.startswith(INTERNAL_PREFIX) for segment in key.split("/"))


def _scope(error: OSError) -> Scope:
    if error.errno in _STORE_ERRORS:
        return "store"
    return "key" if error.errno in _KEY_ERRORS else "transient"


def _message(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"{path}: the disk is full; free some space and run again, delivered pictures are kept"
        case errno.EROFS:
            return f"{path}: the file system is read-only; deliver to another folder"
        case errno.EACCES | errno.EPERM:
            return f"{path}: access denied; check the folder's owner and mode"
        case errno.ELOOP:
            return f"{path}: a symlink is in the path; stores don't follow symlinks below their folder"
        case errno.ENOTDIR | errno.EISDIR | errno.EEXIST:
            return f"{path}: expected a folder but there is a file or a symlink, or the other way round"
        case errno.ENAMETOOLONG:
            return f"{path}: the name is too long for this file system"
        case _:
            return f"{path}: {error.strerror or type(error).__name__}"
