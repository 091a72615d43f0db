"""Values are used again only for the same content."""

from __future__ import annotations

import hashlib

from brandpress.pipeline.store.unchanged import Unchanged


def etag_of(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


def test_a_value_is_known_as_long_as_the_content_is_the_same() -> None:
    values: Unchanged[str] = Unchanged()
    values.put("s3://bucket/a", etag_of(b"one"), b"one", "first")
    assert values.get("s3://bucket/a", etag_of(b"one")) == "first"
    assert values.get("s3://bucket/a", etag_of(b"two")) is None
    assert values.get("s3://bucket/b", etag_of(b"one")) is None


def test_nothing_is_kept_without_an_etag_that_is_the_contents() -> None:
    values: Unchanged[str] = Unchanged()
    for etag in ("", '"not an MD5"', etag_of(b"listed before it was replaced")):
        values.put("s3://bucket/a", etag, b"one", "first")
        assert values.get("s3://bucket/a", etag) is None


def test_no_more_than_the_limit_is_kept() -> None:
    values: Unchanged[int] = Unchanged(limit=2)
    for number in range(3):
        values.put(f"s3://bucket/{number}", etag_of(b"one"), b"one", number)
    assert [values.get(f"s3://bucket/{number}", etag_of(b"one")) for number in range(3)] == [None, None, 2]
