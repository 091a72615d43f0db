"""Copies assets whose names have changed: nothing is rendered if only `output.name` did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic_core import from_json

from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

COPY_THREADS = 16


def copy_renamed(folder: Store, variants: Sequence[Variant], done: Mapping[str, bytes]) -> int:
    """Copies the assets of done variants to the names that the job gives them now; returns how many.

    done: lines of records, keyed by render key. Raises StoreError.
    """
    renamed = []
    for variant in variants:
        line = done.get(variant.render_key)
        if line is not None and (fields := from_json(line))["name"] != variant.name:
            renamed.append((fields, variant))
    with ThreadPoolExecutor(COPY_THREADS) as threads:
        list(threads.map(lambda pair: _copy(folder, *pair), renamed))
    return len(renamed)


def _copy(folder: Store, fields: dict[str, Any], variant: Variant) -> None:
    data = folder.read(fields["asset"])
    if data is None or sha256_hex(data) != fields["sha256"]:
        raise StoreError(
            f"{folder.uri}/{fields['asset']}: the picture is missing or damaged and can't be copied to its new name; "
            "run `brandpress verify --repair` and `brandpress render`",
            "key",
        )
    if not folder.create(variant.asset, data, CONTENT_TYPES[variant.format]):
        existing = folder.read(variant.asset)
        if existing is None or sha256_hex(existing) != fields["sha256"]:
            raise StoreError(
                f"{folder.uri}/{variant.asset}: this name is taken by another file; move it away and run again", "key"
            )
