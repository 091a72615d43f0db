"""The forms of RAY_ADDRESS."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.render.driver.ray_address import cluster_address
from tests.campaigns import write_campaign
from tests.processes import driver, read_events


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("", None),
        ("  ", None),
        ("local", None),
        ("auto", "auto"),
        ("head:6379", "head:6379"),
        (" 10.0.0.1:6379 ", "10.0.0.1:6379"),
        ("[::1]:6379", "[::1]:6379"),
    ],
)
def test_forms_that_work(monkeypatch: pytest.MonkeyPatch, written: str, address: str | None) -> None:
    monkeypatch.setenv("RAY_ADDRESS", written)
    assert cluster_address() == address


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("ray://head:10001", "write RAY_ADDRESS=head:6379, the address that `ray start` prints"),
        ("ray://user:secret@head:10001", "write RAY_ADDRESS=head:6379"),
        ("RAY://head", "write RAY_ADDRESS=head:6379"),
        ("http://head:8265", "brandpress submit JOB --address http://head:8265"),
        ("https://head:8265/path", "write RAY_ADDRESS=head:6379"),
        ("redis://head:6379", "redis:// isn't supported; allowed: HOST:PORT"),
        ("head", "'head' is no address of a cluster; allowed: HOST:PORT"),
        ("head:", "allowed: HOST:PORT"),
        ("head:0", "allowed: HOST:PORT"),
        ("head:99999", "allowed: HOST:PORT"),
        ("head:six", "allowed: HOST:PORT"),
        (":6379", "allowed: HOST:PORT"),
        ("::1:6379", "allowed: HOST:PORT"),
        ("a b:6379", "allowed: HOST:PORT"),
    ],
)
def test_forms_that_are_refused_with_what_to_write(monkeypatch: pytest.MonkeyPatch, written: str, advice: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", written)
    with pytest.raises(RequestError, match=r"^RAY_ADDRESS: ") as refused:
        cluster_address()
    assert advice in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_refused_address_ends_the_run_as_invalid_input(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1)
    with driver(job, environment={"RAY_ADDRESS": "ray://head:10001"}) as process:
        (error,) = [value for kind, value in read_events(process) if kind == "error"]
        assert process.wait() == 1
    assert error.startswith("RAY_ADDRESS: ray://head:10001 is Ray Client")
    assert not (tmp_path / "out" / "spring").exists()
