"""Finds and deletes garbage: old manifests, and objects that no remaining manifest references.

The latest manifest, the newest ones and everything they reference are kept. So are the job's own variants, which may
not be published yet, and recent objects, which may belong to a run of another version of the job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.decisions import SCORES, read_decisions, scores_key
from brandpress.pipeline.deliver.delivery import read_record
from brandpress.pipeline.deliver.lease import LEASE
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    MANIFESTS,
    PARTS,
    blocked_attempts,
    line_keys,
    manifest_key,
    manifest_numbers,
    read_latest,
    read_manifest,
    read_new_fields,
)
from brandpress.pipeline.deliver.record import RECORDS, Record, record_key
from brandpress.pipeline.deliver.resume import ASSETS
from brandpress.pipeline.deliver.thumbnails import THUMBNAILS, asset_stem_of, stems_of
from brandpress.pipeline.deliver.verdicts import VERDICTS, verdicts_about
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.folder import PREFLIGHT
from brandpress.pipeline.store.protocol import INTERNAL_PREFIX, Entry, Store

DELETE_THREADS = 16
_OWN_KEY = re.compile(
    r"assets/.+|thumbnails/.+\.webp|records/[0-9a-f]{64}\.json|parts/[0-9a-f]{64}\.jsonl|preflight/[^/]+"
    r"|manifests/[0-9]{8}/(?:manifest\.json|variants\.jsonl)|reviews/scores/[0-9a-f]{64}\.json"
    r"|reviews/verdicts/[0-9a-f]{64}\.jsonl"
)
_TEMPORARY = re.compile(
    r"(?:(?:(?:assets|latest|thumbnails)(?:/.+)?|records|parts|preflight|manifests(?:/[0-9]{8})?"
    r"|reviews/(?:scores|verdicts))/)?"
    rf"{re.escape(INTERNAL_PREFIX)}[0-9a-f]{{16}}"
)


class NestedCampaignError(RequestError):
    """Another campaign lies below the folder, so whose object a key names is uncertain."""


@dataclass(frozen=True, slots=True)
class GarbageSet:
    """The objects to delete, in order of deletion, and the numbers of the manifests that are kept.

    too_young: how many more could be deleted if they were older.
    """

    entries: tuple[Entry, ...]
    kept_manifests: tuple[int, ...]
    too_young: int = 0

    @property
    def bytes(self) -> int:
        """The total size of the objects."""
        return sum(entry.bytes for entry in self.entries)


def find_garbage(
    folder: Store, variants: Iterable[Variant] | None, *, now: float, keep: int, hours: float
) -> GarbageSet:
    """Returns what can be deleted from the campaign's `folder`.

    variants: the job's, which are kept; None if they aren't known, then everything is kept that was written after the
    latest manifest, and, if seeds were picked, all pictures and records: those of the other seeds belong to the job.
    now: seconds since 1970. keep: the number of newest manifests to keep. hours: never delete objects younger than
    this.

    Only keys that brandpress writes are ever garbage. Raises BrokenManifestError if a manifest to keep is broken,
    because what it references is unknown, and NestedCampaignError if another campaign lies below the folder.
    """
    entries = {entry.key: entry for entry in folder.entries("")}
    refuse_nested(folder, entries)
    kept_manifests = _manifests_to_keep(folder, keep)
    parts: set[str] = set()
    pictures: set[str | None] = set()
    referenced = {manifest_key(number) for number in kept_manifests}
    for header in sorted(referenced):
        for fields in read_new_fields(folder, read_manifest(folder, header), parts):
            referenced.update(line_keys(fields))
            pictures.add(fields.get("sha256"))
            pictures.update(one.get("sha256") for one in blocked_attempts(fields))
    referenced |= parts
    if variants is not None:
        own = [(record_key(variant.render_key), variant.asset) for variant in variants]
        records = {key for key, _ in own}
        unpublished = sorted(key for key in records if key in entries and key not in referenced)
        delivered = _delivered(folder, unpublished)
        referenced.update(record.asset for record in delivered if record.asset is not None)
        pictures.update(record.sha256 for record in delivered)
        referenced.update(key for pair in own for key in pair)
    stems = stems_of(key for key in referenced if key.startswith(ASSETS))
    referenced |= {key for key in entries if key.startswith(THUMBNAILS) and asset_stem_of(key) in stems}
    referenced.update(scores_key(sha256) for sha256 in pictures if sha256 is not None)
    referenced.update(verdicts_about(folder, referenced))
    referenced = set(map(folder.canonical, referenced))
    in_use: tuple[str, ...] = (PREFLIGHT,) if LEASE in entries else ()  # a run at work shows it to workers that join
    limit = now - 3600 * hours
    if variants is None:
        if (latest := read_latest(folder)) is not None:
            limit = min(limit, latest.manifest.created.timestamp())
        if any(one.decision == "picked" for one in read_decisions(folder).values()):
            in_use = (*in_use, RECORDS, ASSETS, THUMBNAILS)
        in_use = (*in_use, SCORES, VERDICTS)
    unreferenced = {
        entry.key: entry
        for entry in (*entries.values(), *folder.leftovers(""))
        if is_own_key(entry.key) and folder.canonical(entry.key) not in referenced and not entry.key.startswith(in_use)
    }
    garbage = sorted((entry for entry in unreferenced.values() if entry.modified < limit), key=_deletion_order)
    return GarbageSet(tuple(garbage), kept_manifests, len(unreferenced) - len(garbage))


def _delivered(folder: Store, keys: Iterable[str]) -> list[Record]:
    """Returns unpublished records. They name their assets, whose names may be earlier ones."""
    with ThreadPoolExecutor(DELETE_THREADS) as threads:
        unpublished = threads.map(lambda key: read_record(folder, key), keys)
        return [record for record in unpublished if record is not None]


def is_own_key(key: str) -> bool:
    """Whether brandpress writes objects with such a key into a campaign's folder, except `latest.json`."""
    internal = key.rpartition("/")[2].startswith(INTERNAL_PREFIX)
    return (_TEMPORARY if internal else _OWN_KEY).fullmatch(key) is not None


def refuse_nested(folder: Store, keys: Iterable[str]) -> None:
    """Raises NestedCampaignError if `keys`, of objects in the campaign's folder, include another campaign's pointer."""
    nested = sorted(key for key in keys if key.endswith(f"/{LATEST}"))
    if nested:
        raise NestedCampaignError(
            f"{folder.uri}: another campaign lies below this one, at {nested[0].rpartition('/')[0]}; nothing was "
            "deleted. Deliver one of them elsewhere"
        )


def delete_garbage(folder: Store, garbage: GarbageSet) -> Iterator[Entry]:
    """Deletes the objects that `find_garbage` returned, and yields each one after its deletion.

    What manifests reference that were published since is left alone. Raises StoreError.
    """
    with ThreadPoolExecutor(DELETE_THREADS) as threads:
        for _, stage in groupby(garbage.entries, key=lambda entry: _deletion_order(entry)[0]):
            referenced = _referenced_since(folder, max(garbage.kept_manifests, default=0))
            entries = [entry for entry in stage if folder.canonical(entry.key) not in referenced]
            for entry, _ in zip(entries, threads.map(lambda entry: folder.delete(entry.key), entries), strict=True):
                yield entry


def _referenced_since(folder: Store, newest: int) -> set[str]:
    """Returns the canonical keys of what manifests with numbers above `newest` reference.

    Raises BrokenManifestError.
    """
    keys: set[str] = set()
    parts: set[str] = set()
    for number in manifest_numbers(folder):
        if number > newest:
            for fields in read_new_fields(folder, read_manifest(folder, manifest_key(number)), parts):
                keys.update(line_keys(fields))
    return set(map(folder.canonical, keys | parts))


def _manifests_to_keep(folder: Store, keep: int) -> tuple[int, ...]:
    latest = read_latest(folder)
    newest = manifest_numbers(folder)[-keep:]
    return tuple(sorted({*newest, latest.manifest.number} if latest else newest))


def _deletion_order(entry: Entry) -> tuple[int, str]:
    """Manifests before their parts and records before their assets: if cleaning is interrupted, no remaining object
    references a deleted one."""
    if entry.key.startswith((MANIFESTS, PARTS)):
        return (0 if entry.key.endswith("/manifest.json") else 1), entry.key
    return (2 if entry.key.startswith(RECORDS) else 3), entry.key
