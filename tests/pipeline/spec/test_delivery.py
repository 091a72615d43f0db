from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.delivery import delivery_address, delivery_uri
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.store.address import open_store


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("s3://assets", "s3://assets"),
        ("s3://assets/", "s3://assets"),
        ("s3://assets/a/b/", "s3://assets/a/b"),
        ("s3://my.assets-1/a b", "s3://my.assets-1/a b"),
        ("out", "<folder>/out"),
        ("./out/", "<folder>/out"),
        ("../out", "<parent>/out"),
        ("/srv/pictures", "/srv/pictures"),
        ("out/100%", "<folder>/out/100%"),
    ],
)
def test_addresses(text: str, uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    expected = uri.replace("<folder>", str(folder)).replace("<parent>", str(tmp_path))
    assert delivery_uri(text, folder) == expected
    assert open_store(expected).uri == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " out", "out\n", "a\x00b", "s3:assets", "s3:/assets/a", "S3://assets", "s3://", "s3://a", "s3://Assets"),
        *("s3://user:pw@assets/x", "s3://assets//x", "s3://assets/../x", "s3://assets/x?y=1", "s3://assets/x#y"),
        *("gs://assets", "https://x.org/y", "file:///srv", "C:\\out", "C:/out", "a\\b", "~/out", "~", "file.txt"),
        *("file.txt/below", "s3://a..b/x", "s3://" + "a" * 64),
    ],
)
def test_what_is_no_address(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(WrongValueError) as raised:
        delivery_uri(text, tmp_path)
    assert "pw" not in str(raised.value)


def test_the_command_line_starts_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert delivery_address("out") == str(tmp_path / "out")
    with pytest.raises(RequestError, match="--deliver: 'gs://' isn't a kind of store; allowed: s3://bucket/prefix"):
        delivery_address("gs://assets")
