"""Delivery addresses: what is valid, how they are normalised, and how invalid ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.delivery import FOLDER, SCHEMES, DeliveryAddress, parse_address, parse_deliver_option
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
def test_valid_addresses(text: str, uri: str, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    expected = uri.replace("<folder>", str(folder)).replace("<parent>", str(tmp_path))
    address = parse_address(text, folder)
    assert str(address) == expected
    assert open_store(address).uri == expected
    assert open_store(expected).uri == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " out", "out\n", "a\x00b", "s3:assets", "s3:/assets/a", "S3://assets", "s3://", "s3://a", "s3://Assets"),
        *(
            "s3://user:pw@assets/x",
            "s3:/user:pw@assets/x",
            "s3://user:pw/K7@assets/x",
            "s3:user:pw/K7@assets/x",
            " s3://user:pw/K7@assets/x",
            "s3://assets//x",
            "s3://assets/../x",
            "s3://assets/x?y=1",
            "s3://assets/x#y",
        ),
        *("gs://assets", "https://x.org/y", "file:///srv", "C:\\out", "C:/out", "a\\b", "~/out", "~", "file.txt"),
        *("file.txt/below", "s3://a..b/x", "s3://" + "a" * 64),
    ],
)
def test_invalid_addresses_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(WrongValueError) as raised:
        parse_address(text, tmp_path)
    assert "pw" not in str(raised.value)


def test_a_home_that_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", unknown)  # a mock: the user of tests has a home
    with pytest.raises(WrongValueError, match="'~' isn't expanded in '~/out'"):
        parse_address("~/out", tmp_path)


def test_deliver_option_starts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(parse_deliver_option("out")) == str(tmp_path / "out")
    with pytest.raises(RequestError, match="--deliver: 'gs://' isn't a kind of store; allowed: s3://bucket/prefix"):
        parse_deliver_option("gs://assets")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_has_an_opener(scheme: str) -> None:
    address = DeliveryAddress(scheme, "/srv/pictures" if scheme == FOLDER else "assets/brands")
    assert open_store(address).uri == str(address)


def test_only_s3_needs_secrets() -> None:
    assert {name: scheme.secret_prefixes for name, scheme in SCHEMES.items()} == {"s3": ("AWS_",), FOLDER: ()}
