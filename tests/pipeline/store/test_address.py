"""Addresses given as text, and the stores that they open."""

from __future__ import annotations

import re

import pytest

from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import StoreAddressError
from brandpress.pipeline.store.s3 import S3Store


@pytest.mark.parametrize(
    ("uri", "store_class", "expected_uri"),
    [
        ("s3://bucket", S3Store, "s3://bucket"),
        ("s3://bucket/", S3Store, "s3://bucket"),
        ("s3://bucket/a/b/", S3Store, "s3://bucket/a/b"),
        (f"s3://bucket/{'é' * 150}", S3Store, f"s3://bucket/{'é' * 150}"),
        ("/tmp/out", LocalStore, "/tmp/out"),
        ("file:///tmp/out%20put", LocalStore, "/tmp/out put"),
    ],
)
def test_valid_addresses_open_their_store(uri: str, store_class: type, expected_uri: str) -> None:
    store = open_store(uri)
    assert isinstance(store, store_class)
    assert store.uri == expected_uri


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "'' isn't a delivery address; allowed: s3://bucket/prefix, or a folder"),
        ("gs://bucket/x", "'gs://' isn't a kind of store; allowed: s3://bucket/prefix, or a folder"),
        ("http://host/x", "'http://' isn't a kind of store; allowed: s3://bucket/prefix, or a folder"),
        ("s3:///x", "'' isn't a valid bucket name; allowed: 3 to 63 lowercase letters, digits, '-' and '.'"),
        ("s3://bucket/x?versionId=1", "'x?versionId=1' isn't a valid prefix; allowed: at most 300 characters"),
        (f"s3://bucket/{'é' * 151}", "is 302 bytes long (in UTF-8); allowed: at most 300 bytes"),
        ("file://host/x", "'file://' isn't a kind of store; allowed: s3://bucket/prefix, or a folder"),
        ("s3://key:hush@bucket/x", "an address must not contain credentials"),
    ],
)
def test_invalid_addresses_are_refused_without_repeating_secrets(uri: str, words: str) -> None:
    with pytest.raises(StoreAddressError, match=re.escape(words)) as error:
        open_store(uri)
    assert "hush" not in str(error.value)
