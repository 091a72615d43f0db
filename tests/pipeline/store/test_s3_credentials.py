"""Temporary credentials: renewed by a real `credential_process`, which fails at the start or later."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from tests.fault_proxy import fault_proxy
from tests.s3_dialects import Refusal
from tests.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

TEXT = "text/plain"
ISSUER = """
import pathlib, sys
answer = pathlib.Path(sys.argv[1])
sys.exit("no hush-hush token") if not answer.exists() else print(answer.read_text())
"""


class Issuer:
    """Issues credentials, unless it is out of order.

    By default, they expire so soon that botocore renews them before each request: it does so in the last ten minutes.
    """

    def __init__(self, folder: Path) -> None:
        self._answer = folder / "answer.json"
        program = folder / "issuer.py"
        program.write_text(ISSUER)
        self.config = folder / "config"
        self.config.write_text(f"[default]\ncredential_process = {sys.executable} {program} {self._answer}\n")

    def work(self, seconds: float = 300) -> None:
        """seconds: until the credentials expire."""
        soon = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        answer = {"Version": 1, "AccessKeyId": ACCESS_KEY, "SecretAccessKey": SECRET_KEY, "Expiration": soon}
        self._answer.write_text(json.dumps(answer))

    def fail(self) -> None:
        self._answer.unlink(missing_ok=True)


@pytest.fixture
def issuer(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    issuer = Issuer(tmp_path)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(issuer.config))
    return issuer


@pytest.fixture
def store(s3_uri: str) -> Store:
    return open_store(s3_uri)


def test_a_renewal_that_fails_after_a_success_is_transient(issuer: Issuer, store: Store) -> None:
    issuer.work()
    assert store.create("a", b"x", TEXT)
    issuer.fail()
    with pytest.raises(StoreError, match="can't be fetched or renewed") as error:
        store.read("a")
    assert error.value.scope == "transient"
    assert "hush" not in str(error.value)


def test_retries_survive_a_failed_renewal(issuer: Issuer, store: Store) -> None:
    issuer.work()
    assert store.create("a", b"x", TEXT)
    issuer.fail()
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        issuer.work()

    assert RetryingStore(store, RetryPolicy(60.0, sleep=sleep)).read("a") == b"x"
    assert len(sleeps) == 1


def test_a_renewal_that_never_succeeds_ends_after_the_deadline(issuer: Issuer, store: Store) -> None:
    issuer.work()
    assert store.create("a", b"x", TEXT)
    issuer.fail()
    with pytest.raises(StoreError, match="can't be fetched or renewed"):
        RetryingStore(store, RetryPolicy(0.5)).read("a")


def test_renewed_credentials_that_have_expired_are_reported(issuer: Issuer, store: Store) -> None:
    issuer.work()
    assert store.create("a", b"x", TEXT)
    issuer.work(-60)
    with pytest.raises(StoreError, match="were renewed, but have expired already") as error:
        store.read("a")
    assert error.value.scope == "transient"
    issuer.work(3600)
    assert store.read("a") == b"x"


def test_credentials_that_fail_at_the_start_are_a_permanent_error(issuer: Issuer, store: Store) -> None:
    issuer.fail()
    with pytest.raises(StoreError, match=r"can't be fetched or renewed.* AWS_PROFILE") as error:
        store.check()
    assert error.value.scope == "store"
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("renewed", [True, False], ids=["temporary", "static"])
def test_expired_tokens_are_transient_only_if_they_can_be_renewed(
    s3_uri: str, s3_server: S3Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, renewed: bool
) -> None:
    if renewed:
        request.getfixturevalue("issuer").work(3600)
    with fault_proxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        store = open_store(s3_uri)
        for succeeded in (False, True):
            proxy.choose = lambda method, path: Refusal(400, "ExpiredToken")
            with pytest.raises(StoreError, match=r"rejected the credentials \(ExpiredToken\)") as error:
                store.read("a")
            assert error.value.scope == ("transient" if succeeded and renewed else "store")
            proxy.choose = lambda method, path: None
            assert store.read("a") is None
