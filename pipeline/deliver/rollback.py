"""Rollback to an earlier manifest: one write, after checking that every object it references exists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    BrokenManifestError,
    NothingPublishedError,
    Published,
    manifest_key,
    manifest_numbers,
    read_fields,
    read_latest,
    read_manifest,
)
from brandpress.pipeline.deliver.publication import swap_pointer
from brandpress.pipeline.deliver.resume import ASSETS
from brandpress.pipeline.store.protocol import Store, StoreError


def history(folder: Store) -> Iterator[Published]:
    """Yields all manifests, newest first, without broken ones."""
    for number in reversed(manifest_numbers(folder)):
        try:
            yield read_manifest(folder, manifest_key(number))
        except BrokenManifestError:
            continue


def rollback(folder: Store, to: int | None = None) -> Published:
    """Makes manifest `to` the latest and returns it. Default: the newest before the latest that wasn't withheld.

    Nothing is written if it's already the latest. No picture is deleted, and the next render publishes the job
    again. Raises RequestError if there is no such manifest, and StoreError if an object that it
    references is missing or another run publishes in the meantime.
    """
    stat = folder.stat(LATEST)
    numbers = manifest_numbers(folder)
    if stat is None or not numbers:
        raise NothingPublishedError(folder)
    current = _latest_number(folder)
    if to is None:
        target = _published_before(folder, numbers, current)
        if target is None:
            raise RequestError(f"{folder.uri}: there is no manifest before {current}")
    elif to not in numbers:
        raise RequestError(f"--to {to}: there is no such manifest; allowed: {_listing(numbers)}")
    else:
        target = read_manifest(folder, manifest_key(to))
    number = target.manifest.number
    existing = set(map(folder.canonical, folder.list(ASSETS)))
    missing_assets = sorted(asset for asset in _assets_of(folder, target) if folder.canonical(asset) not in existing)
    if missing_assets:
        raise StoreError(
            f"{folder.uri}: can't roll back to manifest {number}: {len(missing_assets):,} of its objects are missing, "
            f"first {missing_assets[0]}",
            "key",
        )
    if number != current and not swap_pointer(folder, target.pointer, stat.etag):
        raise StoreError(f"{folder.uri}/{LATEST}: another run has just published a manifest; check it and run again")
    return target


def _published_before(folder: Store, numbers: Sequence[int], current: int | None) -> Published | None:
    """Returns the newest manifest before `current` that wasn't withheld; None if there is none.

    Raises BrokenManifestError.
    """
    earlier = (number for number in reversed(numbers) if current is None or number < current)
    manifests = (read_manifest(folder, manifest_key(number)) for number in earlier)
    return next((published for published in manifests if not published.manifest.withheld), None)


def _assets_of(folder: Store, published: Published) -> set[str]:
    """Returns the keys of a manifest's pictures. Raises BrokenManifestError."""
    return {fields["asset"] for fields in read_fields(folder, published) if fields["asset"] is not None}


def _latest_number(folder: Store) -> int | None:
    """Returns the number of the latest manifest, or None if it's broken."""
    try:
        latest = read_latest(folder)
    except BrokenManifestError:
        return None
    return latest.manifest.number if latest else None


def _listing(numbers: list[int]) -> str:
    shown = [str(number) for number in numbers[-10:]]
    return ", ".join(["…", *shown] if len(numbers) > len(shown) else shown)
