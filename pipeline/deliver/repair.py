"""Restores what `verify` reports as missing or changed, as far as copies and the manifest allow, without rendering."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pydantic_core import from_json

from brandpress.pipeline.deliver.clean import is_own_key
from brandpress.pipeline.deliver.delivery import file_record, parse_record, read_record
from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.deliver.manifest import (
    BrokenManifestError,
    manifest_key,
    manifest_numbers,
    read_lines,
    read_manifest,
    read_new_fields,
    require_latest,
)
from brandpress.pipeline.deliver.record import MANIFEST_ONLY, Record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.thumbnails import THUMBNAILS, add_missing_thumbnails
from brandpress.pipeline.deliver.verify import IMMUTABLE, Verification
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex


@dataclass(frozen=True, slots=True)
class Repair:
    """What was restored, and what has to be rendered.

    copied: keys of pictures that were copied from another object with the same content. rewritten: keys of records that
    were written again as the manifest lists them. deleted: keys of damaged pictures, which would keep `render` from
    restoring them. lost: the listed records of the pictures that have to be rendered again. republish: the manifest
    itself is broken, and the next run publishes another one.
    """

    copied: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    lost: tuple[Record, ...] = ()
    republish: bool = False

    @property
    def needs_run(self) -> bool:
        """Whether a run has to render or publish something."""
        return bool(self.lost or self.republish)


def repair(folder: Store, verification: Verification) -> Repair:
    """Restores missing and changed records, missing thumbnails and, as far as there are copies, pictures.

    The records of lost pictures stay: a run that renders the same file again leaves the manifest as it is. Manifests
    are left alone. Raises StoreError.
    """
    if any(problem.key.startswith(IMMUTABLE) for problem in verification.broken):
        return Repair(republish=True)
    broken = {problem.key for problem in verification.broken}
    listed = [record for record in _listed(folder) if record.key in broken or record.asset in broken]
    owners = {record.key: record for record in sorted(listed, key=_is_own_record) if record.key in broken}
    rewritten = [record.key for record in owners.values() if _rewrite(folder, record)]
    damaged = [record for record in listed if record.asset in broken and is_own_key(record.asset or "")]
    deleted = _delete_existing(folder, [record.asset for record in damaged if record.asset is not None])
    copies = _copies(folder, damaged)
    copied = [record for record in damaged if _copy(folder, record, copies.get(record.sha256 or "", ()))]
    restored = {record.asset for record in copied}
    if any(key.startswith(THUMBNAILS) for key in broken):
        latest = require_latest(folder)
        add_missing_thumbnails(folder, latest, latest.manifest.thumbnails or 0)
    return Repair(
        copied=tuple(sorted({record.asset for record in copied if record.asset is not None})),
        rewritten=tuple(sorted(rewritten)),
        deleted=tuple(key for key in deleted if key not in restored),
        lost=tuple(record for record in damaged if record.asset not in restored),
    )


def _listed(folder: Store) -> Iterator[Record]:
    latest = require_latest(folder)
    return (parse_record(line, latest.pointer.manifest) for line in read_lines(folder, latest))


def _is_own_record(record: Record) -> bool:
    """Whether a listed record is the one in its file, rather than that of another name of the same picture."""
    return record.same_picture_as is None


def _rewrite(folder: Store, record: Record) -> bool:
    """Writes a record as the manifest lists it. Returns False if its key isn't one of ours."""
    if not is_own_key(record.key):
        return False
    folder.delete(record.key)
    file_record(folder, record.model_copy(update=MANIFEST_ONLY))
    return True


def _delete_existing(folder: Store, keys: Iterable[str]) -> tuple[str, ...]:
    existing = tuple(sorted(key for key in set(keys) if folder.stat(key) is not None))
    for key in existing:
        folder.delete(key)
    return existing


def _copies(folder: Store, damaged: Iterable[Record]) -> Mapping[str, tuple[str, ...]]:
    """Returns SHA-256 -> keys of pictures that once had this content, for the damaged ones.

    Searches the pictures' own records, which may name the file of another output name, then all manifests, then the
    records that no manifest lists.
    """
    places: dict[str, dict[str, None]] = {record.sha256: {} for record in damaged if record.sha256 is not None}
    if not places:
        return {}

    def add(sha256: object, asset: object) -> None:
        if isinstance(sha256, str) and isinstance(asset, str) and sha256 in places and is_own_key(asset):
            places[sha256][asset] = None

    for record in damaged:
        with suppress(StoreError):
            stored = read_record(folder, record.key)
            if stored is not None:
                add(stored.sha256, stored.asset)
    read_parts: set[str] = set()
    for number in reversed(manifest_numbers(folder)):
        with suppress(BrokenManifestError):
            for fields in read_new_fields(folder, read_manifest(folder, manifest_key(number)), read_parts):
                add(fields.get("sha256"), fields["asset"])
    for line in read_index(folder).done.values():
        fields = from_json(line)
        add(fields.get("sha256"), fields["asset"])
    return {sha256: tuple(assets) for sha256, assets in places.items()}


def _copy(folder: Store, record: Record, sources: Iterable[str]) -> bool:
    """Copies a picture to the key that the manifest lists. Returns False if no source has its content."""
    asset = record.asset
    if asset is None:
        return False
    for source in sources:
        data = folder.read(source)
        if data is not None and sha256_hex(data) == record.sha256:
            return folder.create(asset, data, CONTENT_TYPES[record.format]) or folder.read(asset) == data
    return False
