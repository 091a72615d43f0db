"""Finds and deletes garbage: old manifests, and objects that no remaining manifest references.

The latest manifest, the newest ones and everything they reference are kept. So are the job's own variants, which may
not be published yet, and recent objects, which may belong to a run of another version of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from brandpress.pipeline.deliver.manifest import (
    LATEST,
    MANIFESTS,
    manifest_key,
    manifest_numbers,
    part_key,
    read_latest,
    read_manifest,
    read_records,
    referenced_keys,
)
from brandpress.pipeline.deliver.record import RECORDS, record_key
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Entry, Store

DELETE_THREADS = 16


@dataclass(frozen=True, slots=True)
class GarbageSet:
    """The objects to delete, in order of deletion, and the numbers of the manifests that are kept."""

    entries: tuple[Entry, ...]
    kept_manifests: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """The total size of the objects."""
        return sum(entry.bytes for entry in self.entries)


def find_garbage(folder: Store, variants: Iterable[Variant], *, now: float, keep: int, hours: float) -> GarbageSet:
    """Returns what can be deleted from the campaign's `folder`.

    variants: the job's, which are kept. now: seconds since 1970. keep: the number of newest manifests to keep.
    hours: never delete objects younger than this.

    Raises BrokenManifestError if a manifest to keep is broken, because what it references is unknown.
    """
    kept_manifests = _manifests_to_keep(folder, keep)
    referenced = {LATEST}
    for number in kept_manifests:
        header = manifest_key(number)
        published = read_manifest(folder, header)
        referenced |= {header, *(part_key(header, part.file) for part in published.manifest.parts)}
        referenced.update(referenced_keys(read_records(folder, published)))
    garbage = {
        entry.key: entry
        for entry in (*folder.entries(""), *folder.leftovers(""))
        if entry.key not in referenced and entry.modified < now - 3600 * hours
    }
    for variant in variants if garbage else ():
        garbage.pop(record_key(variant.render_key), None)
        garbage.pop(variant.asset, None)
    return GarbageSet(tuple(sorted(garbage.values(), key=_deletion_order)), kept_manifests)


def delete_garbage(folder: Store, garbage: GarbageSet) -> Iterator[Entry]:
    """Deletes the objects that `find_garbage` returned, and yields each one after its deletion."""
    with ThreadPoolExecutor(DELETE_THREADS) as threads:
        for _, stage in groupby(garbage.entries, key=lambda entry: _deletion_order(entry)[0]):
            entries = list(stage)
            for entry, _ in zip(entries, threads.map(lambda entry: folder.delete(entry.key), entries), strict=True):
                yield entry


def _manifests_to_keep(folder: Store, keep: int) -> tuple[int, ...]:
    latest = read_latest(folder)
    newest = manifest_numbers(folder)[-keep:]
    return tuple(sorted({*newest, latest.manifest.number} if latest else newest))


def _deletion_order(entry: Entry) -> tuple[int, str]:
    """Manifests before their parts and records before their assets: if cleaning is interrupted, no remaining object
    references a deleted one."""
    if entry.key.startswith(MANIFESTS):
        return (0 if entry.key.endswith("/manifest.json") else 1), entry.key
    return (2 if entry.key.startswith(RECORDS) else 3), entry.key
