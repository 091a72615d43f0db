"""Overwrites objects that have to change."""

from __future__ import annotations

from brandpress.pipeline.store.protocol import Store, StoreError

MAX_ATTEMPTS = 8


def overwrite(store: Store, key: str, data: bytes, content_type: str) -> None:
    """Writes `data` at `key`, whatever is there. Raises StoreError, also if others change it in each attempt."""
    for _ in range(MAX_ATTEMPTS):
        stat = store.stat(key)
        if store.replace(key, data, content_type, stat.etag if stat else None):
            return
    raise StoreError(f"{store.uri}/{key}: others keep changing this object; run again", "key")
