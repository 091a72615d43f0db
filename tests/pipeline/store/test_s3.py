"""S3 only: error messages, checksums, and servers without conditional writes."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.loaders
import pytest
from botocore.exceptions import ClientError

from brandpress.pipeline.store import s3, s3_client
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import StoreAddressError, StoreError
from brandpress.pipeline.store.s3 import S3Store
from tests.pipeline.store.bare_s3 import BareS3, bare_s3
from tests.s3_server import SECRET_KEY, S3Server

TEXT = "text/plain"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[BareS3]:
    with bare_s3(BareS3()) as server:
        environment = S3Server(server.endpoint).environment
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"AWS_SECRET_ACCESS_KEY": "wrong-and-private"},
            "server rejected the credentials \\(SignatureDoesNotMatch\\)",
        ),
        ({"AWS_ACCESS_KEY_ID": "AKWRONGANDPRIVATE"}, "server rejected the credentials \\(InvalidAccessKeyId\\)"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no credentials found; set AWS_PROFILE"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "no credentials found; set AWS_PROFILE"),
        ({"AWS_PROFILE": "nobody-knows-it"}, "the profile in AWS_PROFILE"),
    ],
)
def test_wrong_credentials_are_reported_without_repeating_them(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], message: str
) -> None:
    for name, value in changes.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    store = open_store(s3_uri)
    for call in (
        lambda: store.create("a", b"", TEXT),
        lambda: store.read("a"),
        lambda: list(store.list("")),
        lambda: store.check(),
    ):
        with pytest.raises(StoreError, match=message) as error:
            call()
        for secret in (SECRET_KEY, "private", "PRIVATE"):
            assert secret not in str(error.value)
        assert error.value.__cause__ is None


def test_a_missing_bucket_is_reported(s3_environment: S3Server) -> None:
    store = open_store("s3://no-such-bucket-here/x")
    for call in (lambda: list(store.list("")), lambda: store.read("a")):
        with pytest.raises(StoreError, match="the bucket 'no-such-bucket-here' doesn't exist"):
            call()


def test_check_reports_a_missing_bucket(bare: BareS3) -> None:
    bare.responses = [(404, "NoSuchBucket")]
    with pytest.raises(StoreError, match="the bucket 'bucket' doesn't exist"):
        open_store("s3://bucket/x").check()


def test_an_unreachable_endpoint_is_reported(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{unused.getsockname()[1]}")
        monkeypatch.setattr("brandpress.pipeline.store.s3.MAX_REQUEST_ATTEMPTS", 1)
        with pytest.raises(StoreError, match=r"can't reach the endpoint .*AWS_ENDPOINT_URL_S3"):
            open_store("s3://bucket/x").check()


def test_the_server_stores_our_sha256_and_rejects_a_wrong_one(s3_uri: str) -> None:
    bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
    assert open_store(s3_uri).create("a.png", b"data", "image/png")
    client = boto3.client("s3")
    head = client.head_object(Bucket=bucket, Key=f"{prefix}/a.png", ChecksumMode="ENABLED")
    assert base64.b64decode(head["ChecksumSHA256"]) == hashlib.sha256(b"data").digest()
    assert head["ContentType"] == "image/png"
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=bucket, Key=f"{prefix}/b.png", Body=b"data", ChecksumSHA256=wrong)


@pytest.mark.parametrize("checksum", ["not base64", "AAAA", "x", "aGk=-2"])
def test_a_checksum_that_is_no_sha256_is_ignored(checksum: str) -> None:
    """Servers that speak a dialect of their own can return anything here."""
    assert s3._sha256_of({"ChecksumSHA256": checksum, "Metadata": {}}) is None  # type: ignore[typeddict-item]


def test_uploads_carry_a_sha256_and_no_trailer(bare: BareS3) -> None:
    assert open_store("s3://bucket/x").create("a", b"data", TEXT)
    (headers,) = bare.put_headers
    assert base64.b64decode(headers["x-amz-checksum-sha256"]) == hashlib.sha256(b"data").digest()
    assert headers["if-none-match"] == "*"
    assert "x-amz-trailer" not in headers


@pytest.mark.parametrize("conditional", ["ignore", "refuse"])
def test_check_warns_about_missing_conditional_writes_and_the_store_still_works(bare: BareS3, conditional: str) -> None:
    bare.conditional = conditional
    store = open_store("s3://bucket/x")
    (warning,) = store.check()
    assert "no conditional writes" in warning
    assert store.create("a", b"first", TEXT)
    assert not store.create("a", b"second", TEXT)
    assert store.replace("a", b"third", TEXT, store.stat("a").etag)  # type: ignore[union-attr]
    assert not store.replace("a", b"fourth", TEXT, '"another"')
    assert store.read("a") == b"third"


def test_a_server_that_refuses_conditional_writes_works_without_a_check(bare: BareS3) -> None:
    bare.conditional = "refuse"
    store = open_store("s3://bucket/x")
    assert store.create("a", b"first", TEXT)
    assert not open_store("s3://bucket/x").create("a", b"second", TEXT)
    assert store.read("a") == b"first"


def test_keys_count_in_bytes_and_with_their_prefix(s3_uri: str) -> None:
    """S3's limit is 1,024 bytes for the whole key."""
    prefix = len(s3_uri.partition("//")[2].partition("/")[2]) + 1
    segments = ["é" * 100] * 4
    longest = "/".join([*segments, "x" * (1024 - prefix - 4 * 201)])
    store = open_store(s3_uri)
    assert store.create(longest, b"x", TEXT)
    assert store.read(longest) == b"x"
    for call in (lambda: store.create(f"{longest}x", b"", TEXT), lambda: store.read(f"{longest}x")):
        with pytest.raises(StoreAddressError, match=r"longer than 1024 bytes with the prefix .* before it"):
            call()


def test_conflicts_are_retried(bare: BareS3) -> None:
    bare.responses = [(409, "ConditionalRequestConflict")] * 3
    assert open_store("s3://bucket/x").create("a", b"data", TEXT)
    assert len(bare.put_headers) == 4


def test_endless_conflicts_are_reported(bare: BareS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brandpress.pipeline.store.s3.MAX_CONFLICT_ATTEMPTS", 2)
    bare.responses = [(409, "ConditionalRequestConflict")] * 5
    with pytest.raises(StoreError, match="x/a: write conflict in each of 2 attempts; run again"):
        open_store("s3://bucket/x").create("a", b"data", TEXT)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (403, "AccessDenied", "access denied; allow s3:GetObject"),
        (403, "RequestTimeTooSkewed", "clock is wrong"),
        (400, "BadDigest", "corrupted on the way"),
        (400, "InvalidBucketName", "isn't a valid bucket name"),
        (418, "Teapot", "the server responded with Teapot \\(HTTP 418\\)"),
    ],
)
def test_error_messages_leave_out_the_servers_text(bare: BareS3, status: int, code: str, message: str) -> None:
    bare.responses = [(status, code)]
    with pytest.raises(StoreError, match=message) as error:
        S3Store("bucket", "x").create("a", b"data", TEXT)
    assert "hush" not in str(error.value)
    assert "s3://bucket/x/a" in str(error.value)


def test_opening_another_store_reads_no_service_descriptions_again(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are megabytes of JSON, a tenth of a second for each store."""
    assert open_store(f"{s3_uri}/spring").read("latest.json") is None
    read: list[str] = []
    monkeypatch.setattr(botocore.loaders.JSONFileLoader, "load_file", lambda self, path: read.append(path))
    assert open_store(f"{s3_uri}/summer").read("latest.json") is None
    assert read == []


def test_what_stores_share_does_not_grow_with_their_number(s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler opens every campaign's store twice a minute, for months."""
    loaders: list[botocore.loaders.Loader] = []
    connected = s3_client.boto3.Session

    def session(botocore_session: Any) -> Any:
        loaders.append(botocore_session.get_component("data_loader"))
        return connected(botocore_session=botocore_session)

    monkeypatch.setattr(s3_client.boto3, "Session", session)
    sizes = []
    for number in range(3):
        assert open_store(f"{s3_uri}/{number}").read("latest.json") is None
        sizes.append(len(loaders[-1].search_paths))
    assert len({id(loader) for loader in loaders}) == len(set(sizes)) == 1
