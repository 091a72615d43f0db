"""Copies assets to further names: nothing is rendered if only `output.name` changed, or if variants share a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic_core import from_json

from brandpress.pipeline.deliver.delivery import parse_record, read_valid_record, write_asset
from brandpress.pipeline.deliver.record import JSON, Record, reference_stamps
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Store, sha256_hex

COPY_THREADS = 16

_Asset = Mapping[str, Any]
"""The fields `asset`, `sha256` and `bytes` of a record."""


def copy_renamed(folder: Store, variants: Sequence[Variant], done: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """Copies the assets of done variants to the names that the job gives them now, and updates the names, the matrix
    points, the free fields, the alt texts and the SKUs of their records.

    done: lines of records, keyed by render key. Of variants that share a picture, the record stays that of the variant
    whose name it has, or becomes that of the first. Returns the new lines of these variants; None for a picture that is
    missing or damaged, which therefore isn't done. Raises StoreError.
    """
    owners: dict[str, Variant] = {}
    outdated: dict[str, bytes] = {}
    for variant in variants:
        line = done.get(variant.render_key)
        if line is None:
            continue
        fields = from_json(line)
        if fields["name"] != variant.name and variant.render_key in owners:
            continue
        owners[variant.render_key] = variant
        if _is_current(fields, variant):
            outdated.pop(variant.render_key, None)
        else:
            outdated[variant.render_key] = line
    with ThreadPoolExecutor(COPY_THREADS) as threads:
        pairs = [(owners[key], parse_record(line, owners[key].name)) for key, line in outdated.items()]
        lines = threads.map(lambda pair: _renamed(folder, *pair), pairs)
        return dict(zip(outdated, lines, strict=True))


def share_pictures(
    folder: Store, variants: Sequence[Variant], done: Mapping[str, bytes], copies: Mapping[str, bytes]
) -> dict[str, bytes | None]:
    """Copies assets to the names of the variants that share another one's picture.

    done: lines of records, as `copy_renamed` leaves them. copies: what this returned before, as far as the assets
    exist. Returns a line for each such variant, keyed by its name; None for a picture that is missing or damaged.
    Raises StoreError.
    """
    counts = Counter(variant.render_key for variant in variants)
    lines: dict[str, bytes | None] = {}
    missing: list[tuple[Variant, Record]] = []
    for variant in variants:
        line = done.get(variant.render_key) if counts[variant.render_key] > 1 else None
        if line is None:
            continue
        record = parse_record(line, variant.name)
        if record.name == variant.name:
            continue
        known = copies.get(variant.name)
        if known is not None and _is_current_copy(known, record, variant):
            lines[variant.name] = known
        else:
            missing.append((variant, record))
    with ThreadPoolExecutor(COPY_THREADS) as threads:
        copied = threads.map(lambda pair: _copy(folder, *pair), missing)
        for (variant, record), copy in zip(missing, copied, strict=True):
            lines[variant.name] = None if copy is None else _shared(record, variant, copy).to_json()
    return lines


def _is_current(fields: Mapping[str, object], variant: Variant) -> bool:
    return fields["name"] == variant.name and variant.is_described_by(fields)


def _is_current_copy(line: bytes, record: Record, variant: Variant) -> bool:
    return line == _shared(record, variant, _asset_of(from_json(line))).to_json()


def _asset_of(fields: Mapping[str, Any]) -> _Asset:
    return {name: fields[name] for name in ("asset", "sha256", "bytes")}


def _shared(record: Record, variant: Variant, copy: _Asset) -> Record:
    """Returns what a manifest lists for a variant that shares the picture of `record`."""
    return record.model_copy(update={**copy, **_own_fields(variant), "same_picture_as": record.name})


def _own_fields(variant: Variant) -> dict[str, Any]:
    """Returns what a record says of its variant that doesn't decide pixels."""
    return {"name": variant.name, "references": reference_stamps(variant), **variant.descriptive_fields()}


def _renamed(folder: Store, variant: Variant, listed: Record) -> bytes | None:
    """Copies the picture of a record, if its name has changed, and writes the record anew. Returns its line; None if
    the picture is missing or damaged.

    If the stored record describes another picture than `listed` does, it's newer, and that picture is meant.
    """
    stat = folder.stat(listed.key)
    stored = read_valid_record(folder, listed.key)
    record = listed if stored is None or stored.sha256 == listed.sha256 else stored
    if record.status != "done":
        return None
    copy: _Asset | None = {} if record.name == variant.name else _copy(folder, variant, record)
    if copy is None:
        return None
    renamed = record.model_copy(update={**copy, **_own_fields(variant)})
    if stat is not None:  # if another run changes it at the same time, the next one renames it
        folder.replace(record.key, renamed.to_json(), JSON, stat.etag)
    return renamed.to_json()


def _copy(folder: Store, variant: Variant, record: Record) -> _Asset | None:
    """Copies the picture of a record to the name of a variant. Returns the copy; None if the picture is missing or
    damaged."""
    data = None if record.asset is None else folder.read(record.asset)
    if data is None or sha256_hex(data) != record.sha256:
        return None
    key, stored = write_asset(folder, record, variant.asset, data)
    return {"asset": key, "sha256": sha256_hex(stored), "bytes": len(stored)}
