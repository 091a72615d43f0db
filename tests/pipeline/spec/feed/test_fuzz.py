"""Any bytes as a feed, and damaged feeds, give problems with places, never an unforeseen error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.pipeline.spec.feed.feeds import brand_of, write

FEED = "{from: %s, key: id, where: \"price > 2 and 'mug' in title\", map: {description: title}, on_bad_row: fail}"
FORMATS = ["feed.csv", "feed.jsonl", "feed.parquet", "feed.xlsx", "feed.xml"]


def check(folder: Path, file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    for problem in brand_of(folder, file, FEED).problems:
        assert "report it with the file" not in str(problem)


@pytest.mark.parametrize("file", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
@example(content=b"id,title,price\n1,mug,\x00\n")
@example(content=b"\xff\xfei\x00")
@example(content=b'{"id": {"a": [1]}, "title": [], "price": [[1]]}\n{"id": [1]}\n')
@example(content=b'{"id": 1e999, "title": 12345678901234567890, "price": "9", "9": null}\n')
def test_any_bytes(file: str, content: bytes, tmp_path: Path) -> None:
    check(tmp_path, file, content)


@pytest.mark.parametrize("file", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_feeds(file: str, data: st.DataObject, tmp_path: Path) -> None:
    good = tmp_path / f"good-{file}"
    if not good.exists():
        write(good)
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    check(tmp_path, file, bytes(content[: data.draw(st.integers(1, len(content)))]))
