"""Manifests of a campaign: a header, its records as JSON lines, and a pointer to the latest manifest, written last.

A reader that follows `latest.json` sees either the new manifest or the one before, always complete: no object that a
manifest references ever changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ValidationError

from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.record import JSON, ModelStamp, Record, StoredModel
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

LATEST = "latest.json"
MANIFESTS = "manifests/"
JSON_LINES = "application/jsonl"
MAX_SWAP_ATTEMPTS = 16


class Counts(StoredModel):
    """Numbers of variants: planned, done and failed. The rest hasn't been rendered yet."""

    planned: int
    done: int
    failed: int


class Part(StoredModel):
    """A file of records next to the header: its name, SHA-256 and number of records."""

    file: str
    sha256: str
    records: int


class Header(StoredModel):
    """The fields of a manifest that describe the campaign; the others follow from its records."""

    campaign: str
    brand: str
    spec_sha256: str
    model: ModelStamp


class Manifest(Header):
    """The header file of a manifest.

    status: "done" if every planned variant is done. digest: SHA-256 over the names, render keys and contents of all
    pictures. Campaigns with the same pictures have the same digest, however they were rendered. Empty in manifests of
    earlier versions.
    """

    number: int
    created: AwareDatetime
    status: Literal["done", "partial"]
    digest: str = ""
    counts: Counts
    parts: tuple[Part, ...]


class Pointer(StoredModel):
    """The content of `latest.json`: the key of a manifest's header and the SHA-256 of the header file."""

    manifest: str
    sha256: str


class BrokenManifestError(StoreError):
    """A file of a published manifest is missing or changed. key: the file."""

    def __init__(self, kind: Literal["missing", "changed"], key: str, message: str) -> None:
        super().__init__(message, "key")
        self.kind = kind
        self.key = key


class NothingPublishedError(StoreError):
    """The campaign has no manifest yet."""

    def __init__(self, folder: Store) -> None:
        super().__init__(f"{folder.uri}: nothing is published here yet; run `brandpress render`", "key")


@dataclass(frozen=True, slots=True)
class Published:
    """A manifest and the pointer to it."""

    pointer: Pointer
    manifest: Manifest


def manifest_key(number: int) -> str:
    """Returns the key of the header of manifest `number`."""
    return f"{MANIFESTS}{number:08}/manifest.json"


def part_key(manifest: str, file: str) -> str:
    """Returns the key of the part `file` of the manifest with the header at key `manifest`."""
    return f"{manifest.rpartition('/')[0]}/{file}"


def manifest_numbers(folder: Store) -> list[int]:
    """Returns the numbers of all manifests in the campaign's folder, in order, including never published ones."""
    keys = (key.split("/") for key in folder.list(MANIFESTS))
    return sorted(int(number) for _, number, *file in keys if file == ["manifest.json"] and number.isdecimal())


def referenced_keys(records: Iterable[Record]) -> Iterator[str]:
    """Yields the keys of `records` and of their assets."""
    for record in records:
        yield record.key
        if record.asset is not None:
            yield record.asset


def read_pointer(folder: Store) -> Pointer | None:
    """Returns the content of `latest.json`, or None if nothing is published. Raises BrokenManifestError."""
    data = folder.read(LATEST)
    return None if data is None else _parse(Pointer, data, folder, LATEST)


def read_latest(folder: Store) -> Published | None:
    """Returns the latest manifest, or None if nothing is published. Raises BrokenManifestError."""
    pointer = read_pointer(folder)
    if pointer is None:
        return None
    header = _read_checked(folder, pointer.manifest, pointer.sha256)
    return Published(pointer, _parse(Manifest, header, folder, pointer.manifest))


def require_latest(folder: Store) -> Published:
    """Returns the latest manifest. Raises NothingPublishedError or BrokenManifestError."""
    latest = read_latest(folder)
    if latest is None:
        raise NothingPublishedError(folder)
    return latest


def read_manifest(folder: Store, key: str) -> Published:
    """Returns the manifest with the header at `key`, without checking a digest. Raises BrokenManifestError."""
    data = _read_checked(folder, key, None)
    pointer = Pointer(manifest=key, sha256=sha256_hex(data))
    return Published(pointer, _parse(Manifest, data, folder, key))


def read_records(folder: Store, published: Published) -> tuple[Record, ...]:
    """Returns the records of a manifest, sorted by name. Raises BrokenManifestError if a part is missing or changed."""
    records: list[Record] = []
    for part in published.manifest.parts:
        key = part_key(published.pointer.manifest, part.file)
        lines = _read_checked(folder, key, part.sha256).splitlines()
        records += [parse_record(line, f"{folder.uri}/{key}") for line in lines]
    return tuple(records)


def publish(
    folder: Store, header: Header, planned: int, records: Iterable[Record], refresh: Callable[[], Iterable[Record]]
) -> Published:
    """Publishes `records` as the campaign's latest manifest and returns it.

    Writes nothing if the latest manifest has the same content and is intact. planned: the number of variants of the
    campaign. refresh: returns the current records; called if another run has published in the meantime, so that its
    work becomes part of the manifest. Write order: records file, header, pointer. Raises StoreError.
    """
    for _ in range(MAX_SWAP_ATTEMPTS):
        stat = folder.stat(LATEST)
        latest = _intact_latest(folder)
        lines, manifest = _compose(header, planned, records)
        if latest is not None and _same_content(latest.manifest, manifest):
            return latest
        number = latest.manifest.number + 1 if latest else 1
        while not folder.create(part_key(manifest_key(number), manifest.parts[0].file), lines, JSON_LINES):
            number += 1
        key = manifest_key(number)
        manifest = manifest.model_copy(update={"number": number})
        data = _to_json(manifest)
        if not folder.create(key, data, JSON) and folder.read(key) != data:
            raise StoreError(f"{folder.uri}/{key}: another run has written this manifest with other records; run again")
        pointer = Pointer(manifest=key, sha256=sha256_hex(data))
        if swap_pointer(folder, pointer, stat.etag if stat else None):
            return Published(pointer, manifest)
        records = refresh()
    raise StoreError(
        f"{folder.uri}/{LATEST}: the pointer changed in each of {MAX_SWAP_ATTEMPTS} attempts to publish; check whether "
        "another run is stuck on this campaign, and run again"
    )


def swap_pointer(folder: Store, pointer: Pointer, expected: str | None) -> bool:
    """Writes `pointer` as the latest if `latest.json` still has the etag `expected`. Returns whether it did."""
    return folder.replace(LATEST, _to_json(pointer), JSON, expected)


def _intact_latest(folder: Store) -> Published | None:
    """Returns the latest manifest, or None if nothing is published or any of its files is missing or changed."""
    try:
        latest = read_latest(folder)
        if latest is None:
            return None
        for part in latest.manifest.parts:
            _read_checked(folder, part_key(latest.pointer.manifest, part.file), part.sha256)
        return latest
    except BrokenManifestError:
        return None


def _compose(header: Header, planned: int, records: Iterable[Record]) -> tuple[bytes, Manifest]:
    ordered = sorted(records, key=lambda record: (record.name, record.render_key))
    lines = b"".join(record.to_json() + b"\n" for record in ordered)
    done = sum(record.status == "done" for record in ordered)
    return lines, Manifest(
        **header.model_dump(),
        number=0,
        created=datetime.now(UTC).replace(microsecond=0),
        status="done" if done == planned else "partial",
        digest=digest_of(ordered),
        counts=Counts(planned=planned, done=done, failed=len(ordered) - done),
        parts=(Part(file="variants.jsonl", sha256=sha256_hex(lines), records=len(ordered)),),
    )


def digest_of(records: Iterable[Record]) -> str:
    """Returns the SHA-256 over the names, render keys and digests of the done pictures, sorted by name."""
    pictures = sorted((record.name, record.render_key, record.sha256) for record in records if record.status == "done")
    return sha256_hex("".join(f"{name}\t{key}\t{sha256}\n" for name, key, sha256 in pictures).encode())


def _same_content(one: Manifest, other: Manifest) -> bool:
    ignored = {"number", "created"} | (set() if one.digest and other.digest else {"digest"})
    return one.model_dump(exclude=ignored) == other.model_dump(exclude=ignored)


def _to_json(model: BaseModel) -> bytes:
    return (model.model_dump_json(indent=1) + "\n").encode()


_Model = TypeVar("_Model", bound=BaseModel)


def _parse(kind: type[_Model], data: bytes, folder: Store, key: str) -> _Model:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        message = f"{folder.uri}/{key}: not a valid brandpress {kind.__name__.lower()}; restore the file from a backup"
        raise BrokenManifestError("changed", key, message) from None


def _read_checked(folder: Store, key: str, sha256: str | None) -> bytes:
    data = folder.read(key)
    if data is None:
        raise BrokenManifestError("missing", key, f"{folder.uri}/{key}: the file is missing, but a manifest needs it")
    if sha256 is not None and sha256_hex(data) != sha256:
        message = f"{folder.uri}/{key}: the file was changed after it was published (its SHA-256 differs)"
        raise BrokenManifestError("changed", key, message)
    return data
