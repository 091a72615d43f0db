"""Inspects many reference pictures: on threads, and only those that have changed since the last time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from brandpress.pipeline.spec.picture import MAX_FILE_BYTES, Picture, inspect_file, locate
from brandpress.pipeline.spec.picture_cache import PictureCache, Seen, is_settled, key_of, state_of
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.remote import Downloader, is_address

THREADS = 4
"""More would need more memory than `decode` promises for a worker: see its DECODING_BYTES."""
DOWNLOAD_THREADS = 16
"""Downloads go to the disk piece by piece, and mostly wait for their servers."""

_Value = TypeVar("_Value")
_FIELDS = ("sha256", "width", "height", "transparent", "warnings")


def inspect_all(
    files: Sequence[str], folder: Path, cache: PictureCache | None = None
) -> tuple[dict[str, Picture], dict[str, WrongValueError]]:
    """Returns the pictures that are valid, and what is wrong with the others, keyed by file.

    files: paths below the folder, or https addresses. See `picture.inspect_file` and `remote.Downloader`.
    """
    cache = cache or PictureCache()
    paths, errors = _locate_all(files, folder)
    before = {file: status for file, path in paths.items() if (status := _status(path)) is not None}
    keys = {file: key_of(paths[file], file) for file in before}
    states = {keys[file]: state_of(status) for file, status in before.items()}
    seen = cache.read(states)
    pictures = {file: _picture(file, paths[file], seen[key]) for file, key in keys.items() if key in seen}
    unseen = [file for file in paths if file not in pictures]
    fresh: dict[str, tuple[str, Seen]] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        inspected = threads.map(lambda file: _inspected(file, paths[file]), unseen)
        for file, result in zip(unseen, inspected, strict=True):
            if isinstance(result, WrongValueError):
                errors[file] = result
                continue
            pictures[file] = result
            if file in before and is_settled(before[file]):
                fresh[keys[file]] = states[keys[file]], {name: getattr(result, name) for name in _FIELDS}
    cache.write(fresh)
    return _in_order(files, pictures), _in_order(files, errors)


def _locate_all(files: Sequence[str], folder: Path) -> tuple[dict[str, Path], dict[str, WrongValueError]]:
    """Returns the paths of all files, downloaded where they are addresses, and what is wrong with the others."""
    paths: dict[str, Path] = {}
    errors: dict[str, WrongValueError] = {}
    for file in files:
        if not is_address(file):
            try:
                paths[file] = locate(file, folder)
            except WrongValueError as error:
                errors[file] = error
    addresses = [file for file in files if is_address(file)]
    for address, result in zip(addresses, _downloaded(addresses), strict=True):
        if isinstance(result, WrongValueError):
            errors[address] = result
        else:
            paths[address] = result
    return paths, errors


def _downloaded(addresses: Sequence[str]) -> Sequence[Path | WrongValueError]:
    if not addresses:
        return ()
    with Downloader() as downloader, ThreadPoolExecutor(DOWNLOAD_THREADS) as threads:
        return tuple(threads.map(lambda address: _fetched(downloader, address), addresses))


def _fetched(downloader: Downloader, address: str) -> Path | WrongValueError:
    try:
        return downloader.fetch(address, MAX_FILE_BYTES)
    except WrongValueError as error:
        return error


def _status(path: Path) -> os.stat_result | None:
    """Returns a file's state before it is read; None if it isn't a file."""
    with suppress(OSError, ValueError):
        status = path.stat()
        return status if stat.S_ISREG(status.st_mode) else None
    return None


def _inspected(file: str, path: Path) -> Picture | WrongValueError:
    try:
        return inspect_file(file, path)
    except WrongValueError as error:
        return error


def _picture(file: str, path: Path, seen: Seen) -> Picture:
    return Picture(
        file, path, seen["sha256"], seen["width"], seen["height"], seen["transparent"], tuple(seen["warnings"])
    )


def _in_order(files: Iterable[str], values: Mapping[str, _Value]) -> dict[str, _Value]:
    return {file: values[file] for file in files if file in values}
