"""The manifest of a campaign: a header, the records, one a line, and the pointer to the latest, swapped last.

A reader that follows `latest.json` sees a whole manifest or the one before; nothing that a manifest names ever changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.record import JSON, ModelStamp, Record
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

LATEST = "latest.json"
MANIFESTS = "manifests/"
JSON_LINES = "application/jsonl"
SWAP_TRIES = 16


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Counts(_Frozen):
    """Variants of a campaign: planned, and of those done and failed. The rest wasn't tried."""

    planned: int
    done: int
    failed: int


class Part(_Frozen):
    """A file of records beside the header."""

    file: str
    sha256: str
    records: int


class Header(_Frozen):
    """What a campaign is, apart from its records: what publishing needs to know."""

    campaign: str
    brand: str
    spec_sha256: str
    model: ModelStamp


class Manifest(Header):
    """The header file of a manifest. `status` is done if every planned variant is.

    digest: over the names and contents of all pictures; two campaigns with the same pictures have the same, whatever
    happened while they were rendered. Empty in manifests of earlier versions.
    """

    number: int
    created: AwareDatetime
    status: Literal["done", "partial"]
    digest: str = ""
    counts: Counts
    parts: tuple[Part, ...]


class Pointer(_Frozen):
    """What `latest.json` holds: the key of a manifest's header and the SHA-256 of its bytes."""

    manifest: str
    sha256: str


class BrokenManifestError(StoreError):
    """A file of a published manifest is missing or changed; `kind` says which of both, `key` where."""

    def __init__(self, kind: Literal["missing", "changed"], key: str, message: str) -> None:
        super().__init__(message, "key")
        self.kind = kind
        self.key = key


@dataclass(frozen=True, slots=True)
class Published:
    """The manifest that `latest.json` names, with the pointer to it."""

    pointer: Pointer
    manifest: Manifest


def manifest_key(number: int) -> str:
    """The key of the header of manifest `number` in the campaign's folder."""
    return f"{MANIFESTS}{number:08}/manifest.json"


def part_key(manifest: str, file: str) -> str:
    """The key of a part, given the key of its manifest's header."""
    return f"{manifest.rpartition('/')[0]}/{file}"


def manifest_numbers(folder: Store) -> list[int]:
    """Of the manifests that stand in the campaign's folder, in order; also of those that no pointer ever named."""
    keys = (key.split("/") for key in folder.list(MANIFESTS))
    return sorted(int(number) for _, number, *file in keys if file == ["manifest.json"] and number.isdecimal())


def named_keys(records: Iterable[Record]) -> Iterator[str]:
    """The objects that records tell of: themselves, and their pictures."""
    for record in records:
        yield record.key
        if record.asset is not None:
            yield record.asset


def read_pointer(folder: Store) -> Pointer | None:
    """What `latest.json` says, None if there is none. Raises BrokenManifestError."""
    data = folder.read(LATEST)
    return None if data is None else _parse(Pointer, data, folder, LATEST)


def read_latest(folder: Store) -> Published | None:
    """The published manifest, None if nothing is. Raises BrokenManifestError if what is named is missing or changed."""
    pointer = read_pointer(folder)
    if pointer is None:
        return None
    header = _read_checked(folder, pointer.manifest, pointer.sha256)
    return Published(pointer, _parse(Manifest, header, folder, pointer.manifest))


def read_manifest(folder: Store, key: str) -> Published:
    """Any manifest by the key of its header, as it stands there. Raises BrokenManifestError."""
    data = _read_checked(folder, key, None)
    pointer = Pointer(manifest=key, sha256=sha256_hex(data))
    return Published(pointer, _parse(Manifest, data, folder, key))


def read_records(folder: Store, published: Published) -> tuple[Record, ...]:
    """The records of a manifest, sorted by name. Raises BrokenManifestError if a part is."""
    records: list[Record] = []
    for part in published.manifest.parts:
        key = part_key(published.pointer.manifest, part.file)
        lines = _read_checked(folder, key, part.sha256).splitlines()
        records += [parse_record(line, f"{folder.uri}/{key}") for line in lines]
    return tuple(records)


def publish(
    folder: Store, header: Header, planned: int, records: Iterable[Record], refresh: Callable[[], Iterable[Record]]
) -> Published:
    """Publish `records` as the campaign's latest manifest; writes nothing if the latest says the same
    and is whole.

    planned: how many variants the campaign has. refresh: gives the records anew, asked when another run has published
    meanwhile, so that its work is part of what we publish. Order: records' file, header, pointer.
    """
    for _ in range(SWAP_TRIES):
        stat = folder.stat(LATEST)
        latest = _unbroken(folder)
        lines, manifest = _compose(header, planned, records)
        if latest is not None and _same(latest.manifest, manifest):
            return latest
        number = latest.manifest.number + 1 if latest else 1
        while not folder.create(f"{MANIFESTS}{number:08}/{manifest.parts[0].file}", lines, JSON_LINES):
            number += 1
        manifest = manifest.model_copy(update={"number": number})
        data = _dump(manifest)
        if not folder.create(manifest_key(number), data, JSON) and folder.read(manifest_key(number)) != data:
            raise StoreError(f"{folder.uri}/{manifest_key(number)}: it stands there without our records; run again")
        pointer = Pointer(manifest=manifest_key(number), sha256=sha256_hex(data))
        if point_to(folder, pointer, stat.etag if stat else None):
            return Published(pointer, manifest)
        records = refresh()
    raise StoreError(
        f"{folder.uri}/{LATEST}: it changes all the time; is another run stuck on this campaign? Run again"
    )


def point_to(folder: Store, pointer: Pointer, expected: str | None) -> bool:
    """Make `pointer` the latest if the one that stands there still has the etag `expected`."""
    return folder.replace(LATEST, _dump(pointer), JSON, expected)


def _unbroken(folder: Store) -> Published | None:
    """The latest manifest if all of its files are as published."""
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
    """SHA-256 over the names, render keys and contents of the pictures, in the order of their names."""
    pictures = sorted((one.name, one.render_key, one.sha256) for one in records if one.status == "done")
    return sha256_hex("".join(f"{name}\t{key}\t{sha256}\n" for name, key, sha256 in pictures).encode())


def _same(one: Manifest, other: Manifest) -> bool:
    volatile = {"number", "created"} | (set() if one.digest and other.digest else {"digest"})
    return one.model_dump(exclude=volatile) == other.model_dump(exclude=volatile)


def _dump(model: BaseModel) -> bytes:
    return (model.model_dump_json(indent=1) + "\n").encode()


_Model = TypeVar("_Model", bound=BaseModel)


def _parse(kind: type[_Model], data: bytes, folder: Store, key: str) -> _Model:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        message = f"{folder.uri}/{key}: isn't a {kind.__name__.lower()} of brandpress; restore it from a copy"
        raise BrokenManifestError("changed", key, message) from None


def _read_checked(folder: Store, key: str, sha256: str | None) -> bytes:
    data = folder.read(key)
    if data is None:
        raise BrokenManifestError("missing", key, f"{folder.uri}/{key}: the manifest names it and it's missing")
    if sha256 is not None and sha256_hex(data) != sha256:
        message = f"{folder.uri}/{key}: it was changed since it was published (its SHA-256 is another)"
        raise BrokenManifestError("changed", key, message)
    return data
