"""What a campaign has already: the records in its folder, found by listing and by reading as few as possible.

The lines of the latest manifest tell of most. Only records that it doesn't call done (newer ones, and failed ones that
may have been made good) are read one by one.
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

READERS = 16


@dataclass(frozen=True, slots=True)
class CompletedKeys:
    """Render keys: of variants that are done, and of those that are quarantined; failed ones are neither."""

    done: frozenset[str]
    quarantined: frozenset[str]


def read_index(folder: Store, among: Set[str] | None = None) -> dict[str, Record]:
    """Render key -> record for all records in the campaign's folder, or for those whose key is `among` the given ones.

    Costs one listing, the latest manifest, and one read for each record that the manifest doesn't call done.
    """
    there = {key.removeprefix(RECORDS).removesuffix(".json") for key in folder.list(RECORDS)}
    wanted = there if among is None else there & among
    if not wanted:
        return {}
    index = {
        record.render_key: record
        for record in _published(folder)
        if record.status == "done" and record.render_key in wanted
    }
    unread = sorted(wanted - index.keys())
    with ThreadPoolExecutor(READERS) as readers:
        for record in readers.map(lambda render_key: read_record(folder, record_key(render_key)), unread):
            if record is not None:
                index[record.render_key] = record
    return index


def _published(folder: Store) -> tuple[Record, ...]:
    """The records of the latest manifest; none if it's broken: the records themselves know as much."""
    try:
        latest = read_latest(folder)
        return read_records(folder, latest) if latest else ()
    except BrokenManifestError:
        return ()


def completed_keys(store: Store, campaign: str, among: Set[str] | None = None) -> CompletedKeys:
    """What of `campaign` a run would leave alone, in the store at its delivery address."""
    index = read_index(campaign_folder(store, campaign), among)
    return CompletedKeys(keys_that_are("done", index), keys_that_are("quarantined", index))


def keys_that_are(status: Status, index: Mapping[str, Record]) -> frozenset[str]:
    """The render keys of records of a status."""
    return frozenset(key for key, record in index.items() if record.status == status)
