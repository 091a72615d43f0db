"""Publishes manifests. Write order: parts, header, pointer; the pointer by compare-and-swap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from brandpress.pipeline.deliver.contents import Contents, parts_of
from brandpress.pipeline.deliver.manifest import (
    LATEST,
    PARTS,
    SCHEMA,
    BrokenManifestError,
    Counts,
    Header,
    Manifest,
    Part,
    PartKind,
    Pointer,
    Published,
    check_parts,
    intact_latest,
    manifest_key,
    manifest_numbers,
    read_manifest,
)
from brandpress.pipeline.deliver.record import JSON
from brandpress.pipeline.store.protocol import ObjectStat, Store, StoreError, sha256_hex

JSON_LINES = "application/jsonl"
MAX_SWAP_ATTEMPTS = 16


@dataclass(frozen=True, slots=True)
class Publication:
    """A manifest. latest: whether it's the campaign's latest; otherwise it was written, but the pointer stayed."""

    published: Published
    latest: bool


def publish(
    folder: Store,
    header: Header,
    compose: Callable[[Published | None], Contents],
    ready: Callable[[Counts], bool] = lambda counts: True,
    before: ObjectStat | Literal["now"] | None = "now",
) -> Publication | None:
    """Writes a manifest and makes it the latest.

    compose: returns the contents, given the newest intact manifest. It's called again if another run has published in
    the meantime. ready: decides by the counts whether the manifest may become the latest. before: `latest.json` as it
    was before the contents were read, so that they don't replace another run's newer ones. Writes nothing if an intact
    manifest that would be replaced has the same contents. Returns None, having written nothing, if no variant has a
    picture, not even one that is withheld. Raises StoreError.
    """
    for attempt in range(MAX_SWAP_ATTEMPTS):
        stat = folder.stat(LATEST) if before == "now" or attempt else before
        latest = intact_latest(folder)
        contents = compose(latest or newest_intact(folder))
        if not contents.variants and not contents.withholds:
            return None
        files = _part_files(contents)
        may_move = ready(contents.counts)
        manifest = _manifest(header, contents, tuple(files), withheld=not may_move)
        same = latest if may_move else newest_intact(folder)
        if same is not None and _same_contents(same.manifest, manifest):
            return Publication(same, latest is not None and same.pointer == latest.pointer)
        published = _write(folder, manifest, files)
        if not may_move or swap_pointer(folder, published.pointer, stat.etag if stat else None):
            _restore_parts(folder, files)
            return Publication(published, latest=may_move)
    raise StoreError(
        f"{folder.uri}/{LATEST}: the pointer changed in each of {MAX_SWAP_ATTEMPTS} attempts to publish; check whether "
        "another run is stuck on this campaign, and run again"
    )


def swap_pointer(folder: Store, pointer: Pointer, expected: str | None) -> bool:
    """Writes `pointer` as the latest if `latest.json` still has the etag `expected`. Returns whether it's the latest.

    If the response to an earlier attempt was lost, the pointer is already there.
    """
    data = to_json(pointer)
    return folder.replace(LATEST, data, JSON, expected) or folder.read(LATEST) == data


def newest_intact(folder: Store) -> Published | None:
    """Returns the intact manifest with the highest number, or None if there is none."""
    for number in reversed(manifest_numbers(folder)):
        try:
            published = read_manifest(folder, manifest_key(number))
            check_parts(folder, published)
        except BrokenManifestError:
            continue
        return published
    return None


def to_json(model: BaseModel) -> bytes:
    """Returns the file of a header or pointer."""
    return (model.model_dump_json(indent=1) + "\n").encode()


def _write(folder: Store, manifest: Manifest, files: Mapping[Part, bytes]) -> Published:
    """Writes the parts that the store lacks, and the header under the next free number."""
    for part, data in files.items():
        _write_part(folder, part, data)
    number = max(manifest_numbers(folder), default=0)
    while True:
        number += 1
        key = manifest_key(number)
        numbered = manifest.model_copy(update={"number": number})
        data = to_json(numbered)
        # The second condition holds if the response to an earlier attempt was lost.
        if folder.create(key, data, JSON) or folder.read(key) == data:
            return Published(Pointer(manifest=key, sha256=sha256_hex(data)), numbered)


def _write_part(folder: Store, part: Part, data: bytes) -> None:
    key = part.file
    if folder.create(key, data, JSON_LINES):
        return
    stat = folder.stat(key)
    if stat is not None and (stat.sha256 or sha256_hex(folder.read(key) or b"")) != part.sha256:
        folder.replace(key, data, JSON_LINES, stat.etag)  # it was damaged


def _restore_parts(folder: Store, files: Mapping[Part, bytes]) -> None:
    """Writes the parts that were deleted in the meantime, with an earlier manifest that had them, too."""
    for part, data in files.items():
        if folder.stat(part.file) is None:
            folder.create(part.file, data, JSON_LINES)


def _manifest(header: Header, contents: Contents, parts: tuple[Part, ...], *, withheld: bool) -> Manifest:
    counts = contents.counts
    return Manifest(
        **header.model_dump(),
        schema_version=SCHEMA,
        number=0,
        created=datetime.now(UTC).replace(microsecond=0),
        status="done" if counts.done + counts.picked_out + counts.dropped == counts.planned else "partial",
        digest=contents.digest,
        withheld=withheld,
        counts=counts,
        parts=parts,
    )


def _part_files(contents: Contents) -> dict[Part, bytes]:
    """Returns the parts of a manifest, in order, with their files."""
    kinds: tuple[tuple[PartKind, tuple[bytes, ...]], ...] = (
        ("variants", contents.variants),
        ("failures", contents.failures),
        ("unapproved", contents.unapproved),
        ("dropped", contents.dropped),
    )
    files = {}
    for kind, all_lines in kinds:
        for lines in parts_of(all_lines):
            data = b"".join(line + b"\n" for line in lines)
            sha256 = sha256_hex(data)
            files[Part(kind=kind, file=f"{PARTS}{sha256}.jsonl", sha256=sha256, records=len(lines))] = data
    return files


def _same_contents(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests list the same pictures and count the same failures. Causes and attempts may differ."""
    ignored = {"number", "created", "parts", "withheld"} | (set() if one.digest and other.digest else {"digest"})
    parts = [[part for part in manifest.parts if part.kind != "failures"] for manifest in (one, other)]
    return one.model_dump(exclude=ignored) == other.model_dump(exclude=ignored) and parts[0] == parts[1]
