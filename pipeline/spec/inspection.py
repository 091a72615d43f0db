"""Inspects many reference pictures: on threads, and only those that have changed since the last time."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from brandpress.pipeline.spec.picture import Picture, inspect, locate
from brandpress.pipeline.spec.picture_cache import PictureCache, Seen, is_settled, key_of, state_of
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.remote import is_address

THREADS = 4
"""More would need more memory than `decode` promises for a worker: see its DECODING_BYTES."""

_FIELDS = ("sha256", "width", "height", "transparent", "warnings")


def inspect_all(
    files: Sequence[str], folder: Path, cache: PictureCache | None = None
) -> tuple[dict[str, Picture], dict[str, WrongValueError]]:
    """Returns the pictures that are valid, and what is wrong with the others, keyed by file. See `picture.inspect`."""
    cache = cache or PictureCache()
    before = {file: status for file in files if (status := _status(file, folder)) is not None}
    keys = {file: key_of(path, file) for file, (path, _) in before.items()}
    states = {keys[file]: state_of(status) for file, (_, status) in before.items()}
    seen = cache.read(states)
    pictures: dict[str, Picture] = {}
    errors: dict[str, WrongValueError] = {}
    unseen: list[str] = []
    for file in files:
        if file in keys and keys[file] in seen:
            pictures[file] = _picture(file, before[file][0], seen[keys[file]])
        else:
            unseen.append(file)
    fresh: dict[str, tuple[str, Seen]] = {}
    with ThreadPoolExecutor(THREADS) as threads:
        for file, result in zip(unseen, threads.map(lambda file: _inspected(file, folder), unseen), strict=True):
            if isinstance(result, WrongValueError):
                errors[file] = result
                continue
            pictures[file] = result
            if file in before and is_settled(before[file][1]):
                fresh[keys[file]] = states[keys[file]], {name: getattr(result, name) for name in _FIELDS}
    cache.write(fresh)
    return {file: pictures[file] for file in files if file in pictures}, errors


def _status(file: str, folder: Path) -> tuple[Path, os.stat_result] | None:
    """Returns a file's path and state before it is read; None if it isn't a file below the folder."""
    if is_address(file):
        return None
    with suppress(WrongValueError, OSError, ValueError):
        path = locate(file, folder)
        status = path.stat()
        return (path, status) if stat.S_ISREG(status.st_mode) else None
    return None


def _inspected(file: str, folder: Path) -> Picture | WrongValueError:
    try:
        return inspect(file, folder)
    except WrongValueError as error:
        return error


def _picture(file: str, path: Path, seen: Seen) -> Picture:
    return Picture(
        file, path, seen["sha256"], seen["width"], seen["height"], seen["transparent"], tuple(seen["warnings"])
    )
