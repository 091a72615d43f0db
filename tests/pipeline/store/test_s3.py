"""What only S3 has to get right: its errors in words, and stores that keep less than S3 promises."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import StoreError
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
    ("changed", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-and-private"}, "credentials are refused \\(SignatureDoesNotMatch\\)"),
        ({"AWS_ACCESS_KEY_ID": "AKWRONGANDPRIVATE"}, "credentials are refused \\(InvalidAccessKeyId\\)"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no credentials found; set AWS_PROFILE"),
        ({"AWS_SECRET_ACCESS_KEY": None}, "no credentials found; set AWS_PROFILE"),
        ({"AWS_PROFILE": "nobody-knows-it"}, "the profile in AWS_PROFILE"),
    ],
)
def test_wrong_credentials_are_told_and_not_repeated(
    s3_uri: str, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str | None], words: str
) -> None:
    for name, value in changed.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    store = open_store(s3_uri)
    for verb in (
        lambda: store.create("a", b"", TEXT),
        lambda: store.read("a"),
        lambda: list(store.list("")),
        lambda: store.check(),
    ):
        with pytest.raises(StoreError, match=words) as error:
            verb()
        for secret in (SECRET_KEY, "private", "PRIVATE"):
            assert secret not in str(error.value)
        assert error.value.__cause__ is None


def test_a_bucket_that_is_not_there_is_told(s3_environment: S3Server) -> None:
    store = open_store("s3://no-such-bucket-here/x")
    for verb in (lambda: list(store.list("")), lambda: store.read("a")):
        with pytest.raises(StoreError, match="there is no bucket 'no-such-bucket-here'"):
            verb()


def test_a_bucket_that_is_not_there_is_told_before_work_begins(bare: BareS3) -> None:
    bare.answers = [(404, "NoSuchBucket")]
    with pytest.raises(StoreError, match="there is no bucket 'bucket'"):
        open_store("s3://bucket/x").check()


def test_an_endpoint_out_of_reach_is_told(s3_environment: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setattr("brandpress.pipeline.store.s3.ATTEMPTS", 1)
        with pytest.raises(StoreError, match=r"the endpoint can't be reached .*AWS_ENDPOINT_URL_S3"):
            open_store("s3://bucket/x").check()


def test_the_server_keeps_our_sha256_and_refuses_another(s3_uri: str) -> None:
    bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
    assert open_store(s3_uri).create("a.png", b"data", "image/png")
    client = boto3.client("s3")
    head = client.head_object(Bucket=bucket, Key=f"{prefix}/a.png", ChecksumMode="ENABLED")
    assert base64.b64decode(head["ChecksumSHA256"]) == hashlib.sha256(b"data").digest()
    assert head["ContentType"] == "image/png"
    other = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=bucket, Key=f"{prefix}/b.png", Body=b"data", ChecksumSHA256=other)


def test_puts_carry_a_sha256_and_no_trailer(bare: BareS3) -> None:
    assert open_store("s3://bucket/x").create("a", b"data", TEXT)
    (headers,) = bare.seen
    assert base64.b64decode(headers["x-amz-checksum-sha256"]) == hashlib.sha256(b"data").digest()
    assert headers["if-none-match"] == "*"
    assert "x-amz-trailer" not in headers


@pytest.mark.parametrize("conditional", ["ignore", "refuse"])
def test_a_store_without_conditional_writes_is_noticed_and_used(bare: BareS3, conditional: str) -> None:
    bare.conditional = conditional
    store = open_store("s3://bucket/x")
    (warning,) = store.check()
    assert "no conditional writes" in warning
    assert store.create("a", b"first", TEXT)
    assert not store.create("a", b"second", TEXT)
    assert store.replace("a", b"third", TEXT, store.stat("a").etag)  # type: ignore[union-attr]
    assert not store.replace("a", b"fourth", TEXT, '"another"')
    assert store.read("a") == b"third"


def test_a_store_that_refuses_conditions_is_usable_without_a_check(bare: BareS3) -> None:
    bare.conditional = "refuse"
    store = open_store("s3://bucket/x")
    assert store.create("a", b"first", TEXT)
    assert not open_store("s3://bucket/x").create("a", b"second", TEXT)
    assert store.read("a") == b"first"


def test_conflicts_are_tried_again(bare: BareS3) -> None:
    bare.answers = [(409, "ConditionalRequestConflict")] * 3
    assert open_store("s3://bucket/x").create("a", b"data", TEXT)
    assert len(bare.seen) == 4


def test_conflicts_without_end_are_told(bare: BareS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brandpress.pipeline.store.s3.CONFLICT_TRIES", 2)
    bare.answers = [(409, "ConditionalRequestConflict")] * 5
    with pytest.raises(StoreError, match="another writer held the key"):
        open_store("s3://bucket/x").create("a", b"data", TEXT)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AccessDenied", "access denied; needed are s3:GetObject"),
        (403, "RequestTimeTooSkewed", "clock is wrong"),
        (400, "BadDigest", "changed on its way"),
        (400, "InvalidBucketName", "is no name for a bucket"),
        (418, "Teapot", "the server answers Teapot \\(HTTP 418\\)"),
    ],
)
def test_answers_become_sentences_without_the_servers_message(bare: BareS3, status: int, code: str, words: str) -> None:
    bare.answers = [(status, code)]
    with pytest.raises(StoreError, match=words) as error:
        S3Store("bucket", "x").create("a", b"data", TEXT)
    assert "hush" not in str(error.value)
    assert "s3://bucket/x/a" in str(error.value)
