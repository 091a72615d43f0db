"""What nobody needs any more: old manifests, and objects that no kept one names.

Kept are the latest manifest, the newest ones, all that they name, and whatever the job would ask for: it may not be
published yet. What is young stays too, since another version of the job may be under way.
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
    named_keys,
    part_key,
    read_latest,
    read_manifest,
    read_records,
)
from brandpress.pipeline.deliver.record import RECORDS, record_key
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Entry, Store

KEPT_MANIFESTS = 10
KEPT_HOURS = 24.0
DELETERS = 16


@dataclass(frozen=True, slots=True)
class GarbageSet:
    """What would go, in the order in which it goes, and the manifests that stay."""

    entries: tuple[Entry, ...]
    kept: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """What the entries take together."""
        return sum(entry.bytes for entry in self.entries)


def find_garbage(
    folder: Store, variants: Iterable[Variant], *, now: float, keep: int = KEPT_MANIFESTS, hours: float = KEPT_HOURS
) -> GarbageSet:
    """What `clean` may delete. variants: of the job. now: seconds since 1970. keep: how many of the newest manifests.
    hours: what is younger stays.

    Raises BrokenManifestError if a manifest that is to be kept is broken: what it names can't be known then.
    """
    kept = _kept(folder, keep)
    named = {LATEST}
    for number in kept:
        header = manifest_key(number)
        published = read_manifest(folder, header)
        named |= {header, *(part_key(header, part.file) for part in published.manifest.parts)}
        named.update(named_keys(read_records(folder, published)))
    old = {
        entry.key: entry
        for entry in (*folder.entries(""), *folder.leftovers(""))
        if entry.key not in named and entry.modified < now - 3600 * hours
    }
    for variant in variants if old else ():
        old.pop(record_key(variant.render_key), None)
        old.pop(variant.asset, None)
    return GarbageSet(tuple(sorted(old.values(), key=_order)), kept)


def delete_garbage(folder: Store, sweep: GarbageSet) -> Iterator[Entry]:
    """Delete what `find_sweep` found; gives each entry when it's gone."""
    with ThreadPoolExecutor(DELETERS) as deleters:
        for _, stage in groupby(sweep.entries, key=lambda entry: _order(entry)[0]):
            entries = list(stage)
            for entry, _ in zip(entries, deleters.map(lambda entry: folder.delete(entry.key), entries), strict=True):
                yield entry


def _kept(folder: Store, keep: int) -> tuple[int, ...]:
    numbers = manifest_numbers(folder)
    latest = read_latest(folder)
    kept = set(numbers[-keep:]) | ({latest.manifest.number} if latest else set())
    return tuple(sorted(kept))


def _order(entry: Entry) -> tuple[int, str]:
    """Headers before their parts, records before their pictures: what is cut short leaves nothing that names what's
    gone."""
    if entry.key.startswith(MANIFESTS):
        return (0 if entry.key.endswith("/manifest.json") else 1), entry.key
    return (2 if entry.key.startswith(RECORDS) else 3), entry.key
