"""Which addresses are stores, and which store each is."""

from __future__ import annotations

import pytest

from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import StoreAddressError
from brandpress.pipeline.store.s3 import S3Store


@pytest.mark.parametrize(
    ("uri", "kind", "shown"),
    [
        ("s3://bucket", S3Store, "s3://bucket"),
        ("s3://bucket/", S3Store, "s3://bucket"),
        ("s3://bucket/a/b/", S3Store, "s3://bucket/a/b"),
        ("/tmp/out", LocalStore, "/tmp/out"),
        ("file:///tmp/out%20put", LocalStore, "/tmp/out put"),
    ],
)
def test_open_store_reads_addresses(uri: str, kind: type, shown: str) -> None:
    opened = open_store(uri)
    assert isinstance(opened, kind)
    assert opened.uri == shown


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "empty"),
        ("gs://bucket/x", "s3://bucket/prefix"),
        ("http://host/x", "s3://bucket/prefix"),
        ("s3:///x", "s3://bucket/prefix"),
        ("s3://bucket/x?versionId=1", "s3://bucket/prefix"),
        ("file://host/x", "s3://bucket/prefix"),
        ("s3://key:hush@bucket/x", "credentials"),
    ],
)
def test_other_addresses_are_refused_without_repeating_secrets(uri: str, words: str) -> None:
    with pytest.raises(StoreAddressError, match=words) as refused:
        open_store(uri)
    assert "hush" not in str(refused.value)
