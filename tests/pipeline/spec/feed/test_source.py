"""Feeds at addresses, and packages that aren't installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brandpress.pipeline.spec.feed import source
from tests.pipeline.spec.feed.feeds import FEED, brand_of, write


@pytest.mark.parametrize(("file", "package"), [("feed.parquet", "pyarrow"), ("feed.xlsx", "openpyxl")])
def test_a_missing_package_names_the_install_command(
    file: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / file)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    [problem] = brand_of(tmp_path, file).problems
    assert f"needs the package {package}, which isn't installed" in problem.what
    assert problem.allowed == 'run: pip install "brandpress[feeds]"'


def test_a_feed_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(source.FORMATS, ".csv", source.FeedFormat("CSV", source.read_csv, 10))
    write(tmp_path / "feed.csv")
    [problem] = brand_of(tmp_path, "feed.csv").problems
    assert "the feed 'feed.csv' is" in problem.what


def test_a_feed_at_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`fetch`, which test_remote.py tests with a server, gives the file; pictures are below the brand spec's folder."""
    write(tmp_path / "x.csv")
    requested: list[tuple[str, int]] = []

    def fetch(url: str, max_bytes: int) -> Path:
        requested.append((url, max_bytes))
        return tmp_path / "x.csv"

    monkeypatch.setattr(source, "fetch", fetch)
    url = "https://shop.example.com/export/feed.csv"
    brand = brand_of(tmp_path, "", FEED % f"'{url}'").brand
    assert brand is not None
    assert brand.products["001"].references == ("a.png",)
    assert brand.feeds[0].file == url
    assert requested == [(url, source.MAX_BYTES)]
