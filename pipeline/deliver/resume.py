"""Reads the existing records of a campaign with as few requests as possible.

The latest manifest has most of them. Only records that it doesn't list as done are read one by one: newer ones, and
failed ones that may have succeeded since.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from brandpress.pipeline.deliver.delivery import read_record
from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_latest, read_records
from brandpress.pipeline.deliver.record import RECORDS, Record, Status, record_key
from brandpress.pipeline.store.folder import campaign_folder
from brandpress.pipeline.store.protocol import Store

READ_THREADS = 16


@dataclass(frozen=True, slots=True)
class CompletedKeys:
    """The render keys of done and of quarantined variants. Failed variants are in neither set."""

    done: frozenset[str]
    quarantined: frozenset[str]


def read_index(folder: Store, among: Set[str] | None = None) -> dict[str, Record]:
    """Returns render key -> record for the records in the campaign's folder. among: only these render keys.

    Costs one listing, the latest manifest, and one read for each record that the manifest doesn't list as done.
    Raises StoreError.
    """
    existing = {key.removeprefix(RECORDS).removesuffix(".json") for key in folder.list(RECORDS)}
    render_keys = existing if among is None else existing & among
    if not render_keys:
        return {}
    index = {
        record.render_key: record
        for record in _published_records(folder)
        if record.status == "done" and record.render_key in render_keys
    }
    unread = sorted(render_keys - index.keys())
    with ThreadPoolExecutor(READ_THREADS) as threads:
        for record in threads.map(lambda render_key: read_record(folder, record_key(render_key)), unread):
            if record is not None:
                index[record.render_key] = record
    return index


def _published_records(folder: Store) -> tuple[Record, ...]:
    """Returns the records of the latest manifest; none if it's broken, because the records themselves are enough."""
    try:
        latest = read_latest(folder)
        return read_records(folder, latest) if latest else ()
    except BrokenManifestError:
        return ()


def completed_keys(store: Store, campaign: str, among: Set[str] | None = None) -> CompletedKeys:
    """Returns the keys of the variants of `campaign` that a run would skip. Raises StoreError."""
    index = read_index(campaign_folder(store, campaign), among)
    return CompletedKeys(keys_with_status("done", index), keys_with_status("quarantined", index))


def keys_with_status(status: Status, index: Mapping[str, Record]) -> frozenset[str]:
    """Returns the render keys of the records with `status`. index: records keyed by render key."""
    return frozenset(key for key, record in index.items() if record.status == status)
