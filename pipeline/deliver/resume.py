"""Reads the existing records of a campaign with as few requests as possible.

The latest manifest has most of them. Records are read one by one only if it doesn't list them as done (they may have
succeeded since), or if they may have been written since. A record counts as done only if its asset exists.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from pydantic_core import from_json

from brandpress.pipeline.deliver.delivery import parse_record, read_record, read_valid_record
from brandpress.pipeline.deliver.manifest import (
    BrokenManifestError,
    PartKind,
    Published,
    is_record,
    read_latest,
    read_lines,
)
from brandpress.pipeline.deliver.record import RECORDS, Record, record_key
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Entry, Store

ASSETS = "assets/"
READ_THREADS = 16
BATCH = 1_000
"""Records that are held in memory at a time."""

MAX_ATTEMPTS = 5
"""Of a variant that fails. Every further one could cost as much as a picture, each night."""


def is_held_back(record: Record) -> bool:
    """Whether a run leaves this variant alone: it killed workers, or it has failed too often."""
    return record.status == "quarantined" or (record.status == "failed" and record.attempts >= MAX_ATTEMPTS)


@dataclass(frozen=True, slots=True)
class RecordIndex:
    """The records of a campaign, keyed by render key.

    done: lines of JSON, which take a tenth of the memory of records. others: failed and quarantined variants. assets:
    the canonical keys of all assets that exist. unfinished: how the record files of variants that aren't done were
    listed, before they were read. copies: lines of the latest manifest for variants that share another one's picture,
    keyed by their names.
    """

    done: Mapping[str, bytes] = field(default_factory=dict)
    others: Mapping[str, Record] = field(default_factory=dict)
    assets: Set[str] = field(default=frozenset(), compare=False, repr=False)
    unfinished: Mapping[str, Entry] = field(default_factory=dict, compare=False, repr=False)
    copies: Mapping[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def failures(self) -> dict[str, bytes]:
        """The lines of the records that aren't done."""
        return {key: record.to_json() for key, record in self.others.items()}

    @property
    def held_back(self) -> frozenset[str]:
        """The render keys of variants that only `--retry-failed` tries again."""
        return frozenset(key for key, record in self.others.items() if is_held_back(record))

    def updated(self, records: Iterable[Record]) -> RecordIndex:
        """Returns the index with newer records in it."""
        records = tuple(records)
        done = {record.render_key: record.to_json() for record in records if record.status == "done"}
        return self.merged(done, {record.render_key: record for record in records if record.status != "done"})

    def merged(self, done: Mapping[str, bytes], others: Mapping[str, Record]) -> RecordIndex:
        """Returns the index with these newer lines of done variants and records of other ones."""
        return replace(
            self,
            done={**{key: line for key, line in self.done.items() if key not in others}, **done},
            others={**{key: record for key, record in self.others.items() if key not in done}, **others},
        )

    def named(self, variants: Iterable[Variant]) -> RecordIndex:
        """Returns the index with the names that these variants have now in the records of failed ones.

        A failed variant has no picture whose copy would bring the new name.
        """
        names = {variant.render_key: variant.name for variant in variants if variant.render_key in self.others}
        renamed = {
            key: self.others[key].model_copy(update={"name": name})
            for key, name in names.items()
            if self.others[key].name != name
        }
        return replace(self, others={**self.others, **renamed}) if renamed else self

    def records(self) -> dict[str, Record]:
        """Returns all records, keyed by render key. For few records."""
        return {key: parse_record(line, key) for key, line in self.done.items()} | dict(self.others)


def record_entries(folder: Store) -> Iterator[tuple[str, Entry]]:
    """Yields the render key and the listing of each record file. Raises StoreError."""
    for entry in folder.entries(RECORDS):
        yield entry.key.removeprefix(RECORDS).removesuffix(".json"), entry


def read_index(folder: Store, among: Set[str] | None = None, known: RecordIndex | None = None) -> RecordIndex:
    """Returns the records in the campaign's folder. among: only these render keys.

    Costs three listings, the latest manifest, and one read for each record that the manifest doesn't list as done or
    that isn't older than its header. known: records that were read or written before; they are used instead of the
    manifest, as far as they still exist. A known failure is kept even if it could not be written. Raises StoreError.
    """
    entries = {key: entry for key, entry in record_entries(folder) if among is None or key in among}
    render_keys = entries.keys()
    failures = dict(known.others) if known else {}
    if not render_keys:
        return RecordIndex(others=failures, assets=set(map(folder.canonical, folder.list(ASSETS))))
    assets = set(map(folder.canonical, folder.list(ASSETS)))
    done: dict[str, bytes] = {}
    copies: dict[str, bytes] = {}
    outdated: dict[str, bytes] = {}  # perhaps: their records aren't older than the manifest
    latest = None if known else _latest(folder)
    limit = _written_at(folder, latest) if latest else math.inf
    for line in chain(known.done.values(), known.copies.values()) if known else _published_lines(folder, latest):
        fields = from_json(line)
        render_key = fields["render_key"]
        if render_key in render_keys and folder.canonical(fields["asset"]) in assets:
            if fields.get("same_picture_as") is not None:
                copies[fields["name"]] = line
            elif entries[render_key].modified < limit:
                done[render_key] = line
            else:
                outdated[render_key] = line
    unread = iter(sorted(render_keys - done.keys()))
    with ThreadPoolExecutor(READ_THREADS) as threads:
        while batch := list(islice(unread, BATCH)):
            for record in threads.map(lambda render_key: _read(folder, render_key, outdated.get(render_key)), batch):
                if record is None:
                    continue
                if record.status != "done":
                    failures[record.render_key] = record
                elif record.sha256 is not None and record.asset and folder.canonical(record.asset) in assets:
                    done[record.render_key] = record.to_json()
    others = {key: record for key, record in failures.items() if key not in done}
    unfinished = {key: entry for key, entry in entries.items() if key not in done}
    return RecordIndex(done, others, assets, unfinished, copies)


def _read(folder: Store, render_key: str, listed: bytes | None) -> Record | None:
    """Returns a record as it's stored; None if it was deleted. If it's damaged, returns what the manifest lists.

    Raises StoreError.
    """
    if listed is None:
        return read_record(folder, record_key(render_key))
    return read_valid_record(folder, record_key(render_key)) or parse_record(listed, render_key)


def _latest(folder: Store) -> Published | None:
    """Returns the latest manifest; None if there is none, or if it's broken: the records themselves are enough."""
    try:
        return read_latest(folder)
    except BrokenManifestError:
        return None


def _written_at(folder: Store, published: Published) -> float:
    """Returns when a manifest's header was written, by the store's clock, in seconds since 1970.

    A store's times can be as coarse as a second: a record with the same time may be newer.
    """
    key = published.pointer.manifest
    return max((entry.modified for entry in folder.entries(key) if entry.key == key), default=-math.inf)


def _published_lines(folder: Store, latest: Published | None) -> Iterator[bytes]:
    """Yields the lines of the current pictures in the latest manifest; stops if a part is broken."""
    try:
        kinds: tuple[PartKind, ...] = ("variants", "unapproved")
        for line in chain.from_iterable(read_lines(folder, latest, kind) for kind in kinds) if latest else ():
            fields = from_json(line)
            if not is_record(fields):
                return
            if fields["status"] == "done" and fields["asset"] is not None and not fields.get("stale"):
                yield line
    except (BrokenManifestError, ValueError):
        return
