"""Verifies a campaign's folder against its latest manifest, by reading every byte again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Literal, NamedTuple

from brandpress.pipeline.deliver.aliases import ALIASES, INDEX
from brandpress.pipeline.deliver.content_credentials import media_type_of
from brandpress.pipeline.deliver.decisions import REVIEWS
from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.lease import LEASE
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    MANIFESTS,
    PARTS,
    BrokenManifestError,
    Published,
    check_parts,
    line_keys,
    manifest_key,
    manifest_numbers,
    part_key,
    read_lines,
    read_manifest,
    read_new_fields,
    referenced_keys,
    require_latest,
)
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.record import MANIFEST_ONLY, Record
from brandpress.pipeline.deliver.thumbnails import THUMBNAILS, thumbnail_key
from brandpress.pipeline.deliver.trust import Trust, trust_of
from brandpress.pipeline.plan.variant import DESCRIPTIVE_FIELDS
from brandpress.pipeline.store.folder import PREFLIGHT
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

READ_THREADS = 8
BATCH = 1_000
"""Records that are held in memory at a time."""

IMMUTABLE = (MANIFESTS, PARTS)
SCHEDULE_STATE = "schedule.json"
"""The state of a scheduled campaign, see `pipeline/run/schedule_state.py`."""
REVIEW_PAGE = "review/"
"""The uploaded review page, see `pipeline/review/page/folder.py`."""

_REVIEW = (REVIEWS, REVIEW_PAGE)
NOT_REFERENCED = (LATEST, LEASE, PREFLIGHT, *_REVIEW, SCHEDULE_STATE, ALIASES, INDEX, THUMBNAILS, *IMMUTABLE)
RESTORE = "run `brandpress verify --repair` to restore it"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An object that differs from the manifest. unknown: no manifest references it, as during a run. unmarked: a
    picture that is as its record says, but doesn't say that it was generated. untrusted: one whose signature isn't the
    operator's.

    record: key of the record that it is or belongs to.
    """

    kind: Literal["missing", "changed", "unknown", "unmarked", "untrusted"]
    key: str
    detail: str
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """The key of the manifest, the number of objects and bytes read, and the discrepancies.

    trusted, unsigned: the numbers of pictures whose signature is the operator's, and of those that were delivered
    without one; None if signatures weren't checked.
    """

    manifest: str
    objects: int
    bytes: int
    problems: tuple[Discrepancy, ...]
    trusted: int | None = None
    unsigned: int | None = None

    @property
    def intact(self) -> bool:
        """Whether every object that the manifest references exists unchanged, with its marks."""
        return all(problem.kind == "unknown" for problem in self.problems)

    @property
    def broken(self) -> tuple[Discrepancy, ...]:
        """The missing and changed objects, which can be restored."""
        return tuple(problem for problem in self.problems if problem.kind in ("missing", "changed"))


def verify(folder: Store, anchors: bytes | None = None) -> Verification:
    """Reads everything that the latest manifest references, compares digests, and lists objects without a reference.

    anchors: PEM of the certificates that are trusted to sign pictures; None: signatures aren't checked. If the manifest
    itself is missing or changed, that's the only problem reported. Raises NothingPublishedError, and CredentialsError
    if c2pa-python isn't installed.
    """
    try:
        latest = require_latest(folder)
        check_parts(folder, latest)
    except BrokenManifestError as broken:
        return Verification(broken.key, 0, 0, (Discrepancy(broken.kind, broken.key, str(broken)),))
    existing = set(folder.list(""))
    thumbnails = latest.manifest.thumbnails
    names = set(map(folder.canonical, existing))
    referenced: set[str] = set()
    objects = size = 0
    signatures: Counter[str] = Counter()
    problems: list[Discrepancy] = []
    with ThreadPoolExecutor(READ_THREADS) as threads:
        lines_left = read_lines(folder, latest)
        while lines := list(islice(lines_left, BATCH)):
            records = [parse_record(line, latest.pointer.manifest) for line in lines]
            referenced.update(map(folder.canonical, referenced_keys(records)))
            problems += _lacking_thumbnails(folder, records, names, thumbnails) if thumbnails else ()
            for checked in threads.map(lambda record: _check(folder, record, names, anchors), records):
                objects, size = objects + checked.objects, size + checked.bytes
                signatures[checked.signature] += 1
                problems += checked.problems
    problems += _unknown(folder, latest, {key for key in existing if folder.canonical(key) not in referenced})
    return Verification(
        manifest=latest.pointer.manifest,
        objects=objects,
        bytes=size,
        problems=_distinct(problems),
        trusted=None if anchors is None else signatures["trusted"],
        unsigned=None if anchors is None else signatures["none"],
    )


def _lacking_thumbnails(
    folder: Store, records: Iterable[Record], existing: Set[str], size: int
) -> Iterator[Discrepancy]:
    """Yields the thumbnails that don't exist. existing: all keys in their canonical form."""
    for record in records:
        key = None if record.asset is None else thumbnail_key(record.asset, size)
        if key is not None and folder.canonical(key) not in existing:
            yield Discrepancy("missing", key, RESTORE, record.key)


def _distinct(problems: Iterable[Discrepancy]) -> tuple[Discrepancy, ...]:
    """Returns one problem for each object, sorted: names that share a picture share its record."""
    by_object = {(problem.kind, problem.key): problem for problem in problems}
    return tuple(by_object[place] for place in sorted(by_object))


class _Checked(NamedTuple):
    objects: int
    bytes: int
    signature: Literal["trusted", "untrusted", "none", "unchecked"]
    problems: list[Discrepancy]


def _check(folder: Store, record: Record, existing: Set[str], anchors: bytes | None) -> _Checked:
    """Reads a record and its asset and returns what was read and what is wrong with it.

    existing: all keys in their canonical form. anchors: as in `verify`.
    """
    signature: Literal["trusted", "untrusted", "none", "unchecked"] = "unchecked"
    problems: list[Discrepancy] = []
    data = folder.read(record.key) if folder.canonical(record.key) in existing else None
    if data is None:
        problems.append(Discrepancy("missing", record.key, f"the record of {record.name}", record.key))
    elif record.status == "done" and not record.stale and not _describes_same_picture(data, record):
        detail = f"the record of {record.name} differs from the manifest"
        problems.append(Discrepancy("changed", record.key, detail, record.key))
    sizes = [len(data or b"")]
    if record.asset is not None:
        picture = folder.read(record.asset) if folder.canonical(record.asset) in existing else None
        if picture is None:
            problems.append(Discrepancy("missing", record.asset, RESTORE, record.key))
        elif sha256_hex(picture) != record.sha256:
            problems.append(Discrepancy("changed", record.asset, f"its SHA-256 differs; {RESTORE}", record.key))
        else:
            problems += _check_marks(picture, record, record.asset)
            if record.signed_by is None:
                signature = "none"
            elif anchors is not None:
                trust = trust_of(picture, anchors)
                signature = "trusted" if trust is Trust.TRUSTED else "untrusted"
                if signature == "untrusted":
                    problems.append(Discrepancy("untrusted", record.asset, trust.value, record.key))
        sizes.append(len(picture or b""))
    return _Checked(len(sizes), sum(sizes), signature, problems)


def _check_marks(picture: bytes, record: Record, asset: str) -> Iterator[Discrepancy]:
    """Yields what is wrong with the metadata of a picture that has the digest of its record."""
    if media_type_of(picture) is not None:
        metadata = read_metadata(picture)
        if metadata is None or metadata.render_key != record.render_key or not metadata.source:
            detail = "its metadata lacks the digital source type, or the render key"
            yield Discrepancy("unmarked", asset, detail, record.key)


def _describes_same_picture(data: bytes, listed: Record) -> bool:
    """Whether the file `data` is the listed record. A manifest may list it under another name, and as stale.

    The descriptive fields and the names of references are those of the latest version of the job, which a
    manifest before it, or after a rollback, doesn't have.
    """
    if data == listed.to_json():
        return True
    try:
        stored = parse_record(data, listed.key)
    except StoreError:
        return False
    if listed.same_picture_as is not None:
        return stored.render_key == listed.render_key
    renamed = listed.stale or (stored.name != listed.name and stored.asset != listed.asset)
    names = {"name": stored.name, "asset": stored.asset} if renamed else {}
    of_job = {name: getattr(stored, name) for name in (*DESCRIPTIVE_FIELDS, "references")}
    pictures = [[(one.sha256, one.background) for one in record.references] for record in (listed, stored)]
    return pictures[0] == pictures[1] and listed.model_copy(update={**MANIFEST_ONLY, **names, **of_job}) == stored


def _unknown(folder: Store, latest: Published, unreferenced: Set[str]) -> Iterator[Discrepancy]:
    """Yields the objects that no manifest references. Earlier manifests are read only if the latest isn't enough, and
    parts that manifests share are read once."""
    unknown = {folder.canonical(key): key for key in unreferenced if not key.startswith(NOT_REFERENCED)}
    read_parts = {part_key(latest.pointer.manifest, part.file) for part in latest.manifest.parts}
    for number in reversed(manifest_numbers(folder)) if unknown else ():
        with suppress(BrokenManifestError):
            earlier = read_manifest(folder, manifest_key(number))
            for fields in read_new_fields(folder, earlier, read_parts):
                for key in line_keys(fields):
                    unknown.pop(folder.canonical(key), None)
    for key in sorted(unknown.values()):
        yield Discrepancy("unknown", key, "no manifest references it; `brandpress clean` deletes such objects")
