"""Back to an earlier manifest: one write, after everything that it names was found."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    BrokenManifestError,
    Published,
    manifest_key,
    manifest_numbers,
    named_keys,
    point_to,
    read_latest,
    read_manifest,
    read_records,
)
from brandpress.pipeline.store.protocol import Store, StoreError


def history(folder: Store) -> Iterator[Published]:
    """The whole manifests, the newest first; broken ones are left out."""
    for number in reversed(manifest_numbers(folder)):
        try:
            yield read_manifest(folder, manifest_key(number))
        except BrokenManifestError:
            continue


def rollback(folder: Store, to: int | None = None) -> Published:
    """Make manifest `to` the latest, else the one before the latest; returns it.

    Nothing is written if it's the latest already. The pictures of later manifests stay, and so does the job: the next
    render publishes what the job says. Raises RequestError if there is no such manifest, StoreError if anything that it
    names is missing or another run publishes meanwhile.
    """
    stat = folder.stat(LATEST)
    numbers = manifest_numbers(folder)
    if stat is None or not numbers:
        raise StoreError(f"{folder.uri}: nothing is published here yet", "key")
    current = _current(folder)
    if to is None:
        earlier = [number for number in numbers if current is None or number < current]
        if not earlier:
            raise RequestError(f"{folder.uri}: there is no manifest before {current}")
        to = earlier[-1]
    if to not in numbers:
        raise RequestError(f"--to {to}: there is no such manifest; there are {_list(numbers)}")
    target = read_manifest(folder, manifest_key(to))
    there = set(folder.list(""))
    missing = sorted(set(named_keys(read_records(folder, target))) - there)
    if missing:
        raise StoreError(
            f"{folder.uri}: manifest {to} can't be gone back to, {len(missing):,} of its objects are missing, "
            f"the first is {missing[0]}",
            "key",
        )
    if to != current and not point_to(folder, target.pointer, stat.etag):
        raise StoreError(f"{folder.uri}/{LATEST}: another run published just now; look at it and run again")
    return target


def _current(folder: Store) -> int | None:
    """The number of the latest manifest; None if that one is broken."""
    try:
        latest = read_latest(folder)
    except BrokenManifestError:
        return None
    return latest.manifest.number if latest else None


def _list(numbers: list[int]) -> str:
    shown = [str(number) for number in numbers[-10:]]
    return ", ".join(["…", *shown] if len(numbers) > len(shown) else shown)
