"""Does a campaign's folder still hold what its latest manifest says? Every byte is read again."""

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
    named_keys,
    read_latest,
    read_manifest,
    read_records,
)
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

READERS = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """An object that isn't as the manifest says. unknown: no manifest names it (a run may be on its way)."""

    kind: Literal["missing", "changed", "unknown"]
    key: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The manifest's key, how many objects and bytes were read again, and what is wrong."""

    manifest: str
    objects: int
    bytes: int
    problems: tuple[Problem, ...]

    @property
    def intact(self) -> bool:
        """Nothing that the manifest names is missing or changed."""
        return all(problem.kind == "unknown" for problem in self.problems)


def verify(folder: Store) -> Verification:
    """Reads everything that the latest manifest names and compares SHA-256, and lists what no manifest names.

    Where the manifest itself is missing or changed, that is the only problem told. Raises StoreError if nothing is
    published.
    """
    try:
        latest = read_latest(folder)
        if latest is None:
            raise StoreError(f"{folder.uri}: nothing is published here yet; run `brandpress render`")
        records = read_records(folder, latest)
    except BrokenManifestError as broken:
        return Verification(broken.key, 0, 0, (Problem(broken.kind, broken.key, str(broken)),))
    there = set(folder.list(""))
    with ThreadPoolExecutor(READERS) as readers:
        checked = list(readers.map(lambda record: _check(folder, record, there), records))
    problems = [problem for _, _, found in checked for problem in found]
    problems += _unknown(folder, latest, records, there)
    return Verification(
        manifest=latest.pointer.manifest,
        objects=sum(objects for objects, _, _ in checked),
        bytes=sum(size for _, size, _ in checked),
        problems=tuple(sorted(problems, key=lambda problem: (problem.kind, problem.key))),
    )


def _check(folder: Store, record: Record, there: set[str]) -> tuple[int, int, list[Problem]]:
    """Objects read, bytes read, problems: of one record and its asset."""
    problems: list[Problem] = []
    data = folder.read(record.key) if record.key in there else None
    if data is None:
        problems.append(Problem("missing", record.key, f"the record of {record.name}"))
    elif record.status == "done" and data != record.to_json():
        problems.append(Problem("changed", record.key, f"the record of {record.name} isn't the manifest's"))
    sizes = [len(data or b"")]
    if record.asset is not None:
        picture = folder.read(record.asset) if record.asset in there else None
        if picture is None:
            problems.append(Problem("missing", record.asset, f"to make it anew, delete {record.key} and render again"))
        elif sha256_hex(picture) != record.sha256:
            detail = f"its SHA-256 is another; to make it anew, delete it and {record.key} and render again"
            problems.append(Problem("changed", record.asset, detail))
        sizes.append(len(picture or b""))
    return len(sizes), sum(sizes), problems


def _unknown(folder: Store, latest: Published, records: Iterable[Record], there: set[str]) -> Iterator[Problem]:
    """What neither the latest manifest nor, if there is anything left to ask for, any earlier one names."""
    unnamed = {key for key in there if key != LATEST and not key.startswith(MANIFESTS)} - set(named_keys(records))
    for number in reversed(manifest_numbers(folder)) if unnamed else ():
        key = manifest_key(number)
        if key != latest.pointer.manifest:
            with suppress(BrokenManifestError):
                unnamed -= set(named_keys(read_records(folder, read_manifest(folder, key))))
    for key in sorted(unnamed):
        yield Problem("unknown", key, "no manifest names it; `brandpress clean` sweeps up")
