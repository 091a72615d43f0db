"""Verifies a campaign's folder against its latest manifest, by reading every byte again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from brandpress.pipeline.deliver.manifest import (
    LATEST,
    MANIFESTS,
    BrokenManifestError,
    Published,
    manifest_key,
    manifest_numbers,
    read_manifest,
    read_records,
    referenced_keys,
    require_latest,
)
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.store.folder import PREFLIGHT
from brandpress.pipeline.store.protocol import Store, sha256_hex

READ_THREADS = 8


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """An object that differs from the manifest. unknown: no manifest references it, as during a run."""

    kind: Literal["missing", "changed", "unknown"]
    key: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The key of the manifest, the number of objects and bytes read, and the discrepancies."""

    manifest: str
    objects: int
    bytes: int
    problems: tuple[Discrepancy, ...]

    @property
    def intact(self) -> bool:
        """Whether every object that the manifest references exists unchanged."""
        return all(problem.kind == "unknown" for problem in self.problems)


def verify(folder: Store) -> Verification:
    """Reads everything that the latest manifest references, compares digests, and lists objects without a reference.

    If the manifest itself is missing or changed, that's the only problem reported. Raises
    NothingPublishedError.
    """
    try:
        latest = require_latest(folder)
        records = read_records(folder, latest)
    except BrokenManifestError as broken:
        return Verification(broken.key, 0, 0, (Discrepancy(broken.kind, broken.key, str(broken)),))
    existing = set(folder.list(""))
    with ThreadPoolExecutor(READ_THREADS) as threads:
        results = list(threads.map(lambda record: _check(folder, record, existing), records))
    problems = [problem for _, _, problems in results for problem in problems]
    problems += _unknown(folder, latest, records, existing)
    return Verification(
        manifest=latest.pointer.manifest,
        objects=sum(objects for objects, _, _ in results),
        bytes=sum(size for _, size, _ in results),
        problems=tuple(sorted(problems, key=lambda problem: (problem.kind, problem.key))),
    )


def _check(folder: Store, record: Record, existing: set[str]) -> tuple[int, int, list[Discrepancy]]:
    """Returns the numbers of objects and bytes read, and the problems, of one record and its asset."""
    problems: list[Discrepancy] = []
    data = folder.read(record.key) if record.key in existing else None
    if data is None:
        problems.append(Discrepancy("missing", record.key, f"the record of {record.name}"))
    elif record.status == "done" and data != record.to_json():
        problems.append(Discrepancy("changed", record.key, f"the record of {record.name} differs from the manifest"))
    sizes = [len(data or b"")]
    if record.asset is not None:
        picture = folder.read(record.asset) if record.asset in existing else None
        if picture is None:
            problems.append(Discrepancy("missing", record.asset, f"to restore it, delete {record.key} and rerender"))
        elif sha256_hex(picture) != record.sha256:
            detail = f"its SHA-256 differs; to restore it, delete it and {record.key}, and rerender"
            problems.append(Discrepancy("changed", record.asset, detail))
        sizes.append(len(picture or b""))
    return len(sizes), sum(sizes), problems


def _unknown(folder: Store, latest: Published, records: Iterable[Record], existing: set[str]) -> Iterator[Discrepancy]:
    """Yields the objects that no manifest references. Earlier manifests are read only if the latest isn't enough."""
    unreferenced = {key for key in existing if key != LATEST and not key.startswith((MANIFESTS, PREFLIGHT))}
    unreferenced -= set(referenced_keys(records))
    for number in reversed(manifest_numbers(folder)) if unreferenced else ():
        key = manifest_key(number)
        if key != latest.pointer.manifest:
            with suppress(BrokenManifestError):
                unreferenced -= set(referenced_keys(read_records(folder, read_manifest(folder, key))))
    for key in sorted(unreferenced):
        yield Discrepancy("unknown", key, "no manifest references it; `brandpress clean` deletes such objects")
