"""From a delivery address to its store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import Store, StoreAddressError


def open_store(uri: str) -> Store:
    """The store at `uri`: `s3://bucket/prefix`, a folder, or `file:///folder`. Touches neither disk nor network.

    A relative folder is relative to the working directory. Raises StoreAddressError for any other address.
    """
    if not uri:
        raise StoreAddressError("the delivery address is empty; give a folder or s3://bucket/prefix")
    if "://" not in uri:
        return LocalStore(Path(uri))
    parts = urlsplit(uri)
    if parts.username or parts.password:
        raise StoreAddressError(
            "the delivery address holds credentials; leave them out and use the usual AWS variables or a profile"
        )
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise StoreAddressError(f"{uri!r} isn't a delivery address; allowed are a folder and s3://bucket/prefix")
    from brandpress.pipeline.store.s3 import S3Store  # boto3 takes a while

    return S3Store(parts.netloc, parts.path.strip("/"))
