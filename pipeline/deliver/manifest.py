"""Manifests of a campaign: a header, its records in parts of JSON lines, and a pointer to the latest manifest.

A reader that follows `latest.json` sees either the new manifest or the one before, always complete: no object that a
manifest references ever changes. `publication` writes manifests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeGuard, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.record import ModelStamp, Record, StoredModel, record_key
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

LATEST = "latest.json"
MANIFESTS = "manifests/"
PARTS = "parts/"
SCHEMA = 2
"""Version of the manifest's format. Version 1 had one part, `variants.jsonl`, in the folder of the manifest."""

PartKind = Literal["variants", "failures", "unapproved", "dropped"]


class Counts(StoredModel):
    """Numbers of variants. planned = done + failed + missing (not tried yet) + picked_out + dropped + unapproved.

    stale: how many of the failed and missing ones are listed with a picture of an earlier version of the job.
    picked_out: variants that aren't published because another seed of their combination was picked. dropped: blocked by
    the quality gate, with `on_fail: drop`. unapproved: done, but not approved, as the job's policy asks for.
    """

    omit_default = ("picked_out", "dropped", "unapproved")

    planned: int
    done: int
    stale: int = 0
    failed: int
    missing: int = 0
    picked_out: int = 0
    dropped: int = 0
    unapproved: int = 0


class Part(StoredModel):
    """A file of records, as JSON lines: its name, SHA-256 and number of records.

    kind: "variants" for records with a picture, "failures" for those without, "unapproved" for pictures that wait for
    an approval, "dropped" for pictures that the quality gate blocks; neither are published. file: key in the campaign's
    folder; in manifests of version 1, a name next to the header.
    """

    kind: PartKind = "variants"
    file: str
    sha256: str
    records: int


class Header(StoredModel):
    """The fields of a manifest that describe the campaign; the others follow from its records.

    job: name of the job's file; empty in manifests of version 1. skipped_rows: the first rows of feeds that were left
    out, and why. purpose, licence_grant: what the job says about its use of the model. thumbnails: the longer side of
    the pictures' thumbnails; None if they have none.
    """

    omit_default: ClassVar[tuple[str, ...]] = ("skipped_rows", "purpose", "licence_grant", "thumbnails")

    campaign: str
    brand: str
    job: str = ""
    spec_sha256: str
    model: ModelStamp
    skipped_rows: tuple[str, ...] = ()
    purpose: str | None = None
    licence_grant: str | None = None
    thumbnails: int | None = None


class Manifest(Header):
    """The header file of a manifest.

    status: "done" if every planned variant is done, picked out or dropped. digest: SHA-256 over the names, render keys
    and contents of all pictures. Campaigns with the same pictures have the same digest, however they were rendered.
    Empty in manifests of earlier versions. withheld: it was written, but wasn't to become the latest.
    """

    omit_default = (*Header.omit_default, "withheld")
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    schema_version: int = Field(default=1, alias="schema")
    number: int
    created: AwareDatetime
    status: Literal["done", "partial"]
    digest: str = ""
    withheld: bool = False
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
    return file if file.startswith(PARTS) else f"{manifest.rpartition('/')[0]}/{file}"


def manifest_numbers(folder: Store) -> list[int]:
    """Returns the numbers of all manifests in the campaign's folder, in order, including never published ones."""
    keys = (key.split("/") for key in folder.list(MANIFESTS))
    numbers = (number for _, number, *file in keys if file == ["manifest.json"])
    return sorted(int(number) for number in numbers if re.fullmatch("[0-9]{8}", number))


def referenced_keys(records: Iterable[Record]) -> Iterator[str]:
    """Yields the keys of `records` and of their assets, and those of the attempts that the quality gate blocked."""
    for record in records:
        yield record.key
        if record.asset is not None:
            yield record.asset
        for attempt in record.gate_attempts:
            yield from attempt_keys(attempt)


def attempt_keys(attempt: Mapping[str, Any]) -> Iterator[str]:
    """Yields the keys of the record and the asset of a blocked attempt, as far as these are valid."""
    render_key, asset = attempt.get("render_key"), attempt.get("asset")
    if isinstance(render_key, str):
        yield record_key(render_key)
    if isinstance(asset, str):
        yield asset


def line_keys(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yields what `referenced_keys` yields, for the fields of a record that isn't validated."""
    yield record_key(fields["render_key"])
    if fields["asset"] is not None:
        yield fields["asset"]
    for attempt in blocked_attempts(fields):
        yield from attempt_keys(attempt)


def blocked_attempts(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yields the attempts that the quality gate blocked, of a record that isn't validated."""
    attempts = fields.get("gate_attempts")
    yield from (one for one in (attempts if isinstance(attempts, list) else ()) if isinstance(one, dict))


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
    records = (parse_record(line, published.pointer.manifest) for line in read_lines(folder, published))
    return tuple(sorted(records, key=lambda record: (record.name, record.render_key)))


def read_lines(folder: Store, published: Published, kind: PartKind | None = None) -> Iterator[bytes]:
    """Yields the records of a manifest as JSON lines, part by part. kind: only these parts.

    Raises BrokenManifestError if a part is missing or changed.
    """
    for part in published.manifest.parts:
        if kind is None or part.kind == kind:
            yield from _read_checked(folder, part_key(published.pointer.manifest, part.file), part.sha256).splitlines()


def read_fields(folder: Store, published: Published, kind: PartKind | None = None) -> Iterator[dict[str, Any]]:
    """Yields what `read_lines` yields, parsed but not validated, which takes a tenth of the time."""
    for line in read_lines(folder, published, kind):
        try:
            fields = from_json(line)
        except ValueError:
            fields = None
        if not is_record(fields):
            where = f"{folder.uri}/{published.pointer.manifest}"
            record = parse_record(line, where)  # raises the error of any other record
            is_pictureless = record.status == "done" and None in (record.asset, record.sha256)
            what = (
                "is done, but names no picture" if is_pictureless else "lacks its axes, or its seed as a whole number"
            )
            raise StoreError(f"{where}: not a valid brandpress record: {record.name} {what}", "key")
        yield fields


def is_record(fields: object) -> TypeGuard[dict[str, Any]]:
    """Returns whether parsed JSON has the fields of a record that are read without validating it."""
    return (
        isinstance(fields, dict)
        and all(isinstance(fields.get(name), str) for name in ("name", "render_key", "status"))
        and isinstance(fields.get("asset"), str | None)
        and isinstance(fields.get("sha256"), str | None)
        and (fields["status"] != "done" or (fields["asset"] is not None and fields["sha256"] is not None))
        and isinstance(fields.get("format"), str)
        and isinstance(fields.get("axes"), dict)
        and all(isinstance(choice, str) for choice in fields["axes"].values())
        and isinstance(fields.get("seed"), int)
    )


def read_new_fields(folder: Store, published: Published, read_parts: set[str]) -> Iterator[dict[str, Any]]:
    """Yields what `read_fields` yields for the parts that aren't among `read_parts`, and adds these parts to it.

    Parts that manifests share are read once this way.
    """
    parts = {part_key(published.pointer.manifest, part.file): part for part in published.manifest.parts}
    new = tuple(part for key, part in parts.items() if key not in read_parts)
    read_parts.update(parts)
    yield from read_fields(folder, Published(published.pointer, published.manifest.model_copy(update={"parts": new})))


def intact_latest(folder: Store) -> Published | None:
    """Returns the latest manifest, or None if nothing is published or any of its files is missing or changed."""
    try:
        latest = read_latest(folder)
        if latest is not None:
            check_parts(folder, latest)
        return latest
    except BrokenManifestError:
        return None


def check_parts(folder: Store, published: Published) -> None:
    """Reads the parts of a manifest. Raises BrokenManifestError if one is missing or changed."""
    for part in published.manifest.parts:
        _read_checked(folder, part_key(published.pointer.manifest, part.file), part.sha256)


_Model = TypeVar("_Model", bound=BaseModel)


def _parse(kind: type[_Model], data: bytes, folder: Store, key: str) -> _Model:
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        message = (
            f"{folder.uri}/{key}: not a valid brandpress {kind.__name__.lower()}; `brandpress render` publishes the "
            "campaign again"
        )
        raise BrokenManifestError("changed", key, message) from None


def _read_checked(folder: Store, key: str, sha256: str | None) -> bytes:
    data = folder.read(key)
    if data is None:
        raise BrokenManifestError("missing", key, f"{folder.uri}/{key}: the file is missing, but a manifest needs it")
    if sha256 is not None and sha256_hex(data) != sha256:
        message = f"{folder.uri}/{key}: the file was changed after it was published (its SHA-256 differs)"
        raise BrokenManifestError("changed", key, message)
    return data
