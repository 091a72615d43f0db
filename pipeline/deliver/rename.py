"""Copies assets whose names have changed: nothing is rendered if only `output.name` did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic_core import from_json

from brandpress.pipeline.deliver.delivery import parse_record, write_asset
from brandpress.pipeline.deliver.record import JSON, Record
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Store, sha256_hex

COPY_THREADS = 16


def copy_renamed(folder: Store, variants: Sequence[Variant], done: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """Copies the assets of done variants to the names that the job gives them now, and renames their records.

    done: lines of records, keyed by render key. Returns the new lines of these variants; None for a picture that is
    missing or damaged, which therefore isn't done. Raises StoreError.
    """
    renamed = []
    for variant in variants:
        line = done.get(variant.render_key)
        if line is not None and from_json(line)["name"] != variant.name:
            renamed.append((variant, parse_record(line, variant.name)))
    with ThreadPoolExecutor(COPY_THREADS) as threads:
        lines = threads.map(lambda pair: _copy(folder, *pair), renamed)
        return {variant.render_key: line for (variant, _), line in zip(renamed, lines, strict=True)}


def _copy(folder: Store, variant: Variant, record: Record) -> bytes | None:
    data = None if record.asset is None else folder.read(record.asset)
    if data is None or sha256_hex(data) != record.sha256:
        return None
    key, stored = write_asset(folder, record, variant.asset, data)
    copied = record.model_copy(
        update={"name": variant.name, "asset": key, "sha256": sha256_hex(stored), "bytes": len(stored)}
    )
    stat = folder.stat(record.key)
    if stat is not None:  # if another run changes it at the same time, the next one renames it
        folder.replace(record.key, copied.to_json(), JSON, stat.etag)
    return copied.to_json()
