"""The `public_url:` of a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.public_url import object_url
from tests.campaigns import write_campaign


@pytest.mark.parametrize(
    "written", ["https://cdn.example/assets", "https://cdn.example/assets/", "http://127.0.0.1:80"]
)
def test_it_has_no_slash_at_its_end(tmp_path: Path, written: str) -> None:
    assert load_campaign(write_campaign(tmp_path, 1, public_url=written)).job.public_url == written.rstrip("/")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("cdn.example/assets", "isn't a URL of the web; allowed: .*; did you mean 'https://cdn.example/assets'"),
        ("ftp://cdn.example", "isn't a URL of the web"),
        ("javascript:alert(1)", "isn't a URL of the web"),
        ("https://", "isn't a URL of the web"),
        ("https://cdn.example/?size=1", "has a query or a fragment"),
        ("https://cdn.example/#top", "has a query or a fragment"),
        ("https://cdn.example:x/", "isn't a URL"),
        ("https://a:b@cdn.example/", "contains a user or a password"),
        (5, "must be text"),
    ],
)
def test_other_values_are_errors(tmp_path: Path, wrong: object, message: str) -> None:
    with pytest.raises(SpecError, match=f"public_url:? {'.*'}{message}") as caught:
        load_campaign(write_campaign(tmp_path, 1, public_url=wrong))
    assert "a:b" not in str(caught.value)


def test_keys_are_percent_encoded() -> None:
    url = object_url("https://cdn.example/a", "spring", "assets/mug/on a beach, #1.0123.png")
    assert url == "https://cdn.example/a/spring/assets/mug/on%20a%20beach%2C%20%231.0123.png"
