"""The store contract over S3 servers of other makers: played by a proxy in front of the real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

import boto3
import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store import s3
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.folder import campaign_folder, open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from brandpress.pipeline.store.s3_dialect import S3Dialect
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant
from tests.pipeline.store import test_protocol
from tests.s3_dialects import AMAZON, DIALECTS, Dialect, Refusal
from tests.s3_server import S3Server

TEXT = "text/plain"
LEARNT = {
    "amazon-eu": S3Dialect(region="eu-central-1"),
    "backblaze-b2": S3Dialect(checksums=False),
    "cloudflare-r2": S3Dialect(checksums=False),
    "alibaba-oss": S3Dialect(if_none_match=False, if_match=False, checksums=False, virtual_hosted=True),
    "garage": S3Dialect(if_none_match=False, if_match=False, checksums=False, region="garage"),
    "minio": S3Dialect(region="milkyway"),
    "minio-before-april-2024": S3Dialect(),
    "ceph-rgw": S3Dialect(checksums=False),
    "rclone-serve": S3Dialect(if_none_match=False, if_match=False, checksums=False),
    "old-gateway": S3Dialect(if_none_match=False, if_match=False, checksums=False),
}
REFUSING = [dialect for dialect in DIALECTS if dialect.conditions == "501" or dialect.checksums == "refused"]
SAMPLE = ("amazon-eu", "backblaze-b2", "alibaba-oss", "garage")
"""These differ most from each other. Tests of the other dialects are slow ones."""
by_name = pytest.mark.parametrize(
    "dialect",
    [
        pytest.param(dialect, marks=() if dialect.name in SAMPLE else pytest.mark.slow, id=dialect.name)
        for dialect in DIALECTS
    ],
)
CONTRACT = [
    test_protocol.test_created_objects_are_read_back,
    test_protocol.test_missing_objects_are_none,
    test_protocol.test_create_keeps_an_existing_object,
    test_protocol.test_concurrent_creates_have_one_winner,
    test_protocol.test_replace_requires_the_current_etag,
    test_protocol.test_replace_with_an_etag_requires_an_object,
    test_protocol.test_concurrent_replaces_have_one_winner,
    test_protocol.test_list_returns_all_keys_with_the_prefix,
    test_protocol.test_entries_have_sizes_and_times,
    test_protocol.test_delete_is_idempotent,
    test_protocol.test_check_is_repeatable_and_leaves_no_listed_objects,
]
NEEDS_CONDITIONS = ("concurrent", "check_is_repeatable")


@pytest.fixture
def proxy(dialect: Dialect, s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with fault_proxy(s3_server.endpoint, dialect=dialect) as proxy:
        if dialect.host:  # a bucket in the host name needs a name that only the proxy resolves
            monkeypatch.setenv("HTTP_PROXY", proxy.endpoint)
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{dialect.host}")
        else:
            monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        yield proxy


@pytest.fixture
def worker(proxy: FaultProxy, s3_uri: str) -> Store:
    """The store as a worker opens it, with what the driver's check found out, sent as JSON."""
    driver = open_store(s3_uri)
    driver.check()
    assert driver.dialect is not None
    return open_store(s3_uri, S3Dialect(**json.loads(json.dumps(asdict(driver.dialect)))))


@pytest.mark.slow
@by_name
@pytest.mark.parametrize("contract", CONTRACT, ids=lambda contract: contract.__name__.removeprefix("test_"))
def test_the_store_contract(dialect: Dialect, contract: Callable[[Store], None], worker: Store) -> None:
    if dialect.conditional or not any(words in contract.__name__ for words in NEEDS_CONDITIONS):
        contract(worker)


@by_name
def test_check_finds_out_the_dialect(dialect: Dialect, proxy: FaultProxy, s3_uri: str) -> None:
    store = open_store(s3_uri)
    assert bool(store.check()) is not dialect.conditional
    assert store.dialect == LEARNT[dialect.name]


@by_name
def test_a_worker_repeats_no_refused_request(dialect: Dialect, proxy: FaultProxy, worker: Store) -> None:
    proxy.calls.clear()
    assert worker.create("a", b"x", TEXT)
    assert worker.stat("a") is not None
    assert proxy.calls["PUT"] == 1
    assert proxy.calls["HEAD"] == (1 if dialect.conditional else 2)


@pytest.mark.parametrize("dialect", REFUSING, ids=lambda dialect: dialect.name)
def test_a_store_that_never_probed_learns_from_refusals(dialect: Dialect, proxy: FaultProxy, s3_uri: str) -> None:
    store = open_store(s3_uri)
    assert store.create("a", b"first", TEXT)
    assert not store.create("a", b"second", TEXT)
    stat = store.stat("a")
    assert stat is not None
    assert store.replace("a", b"third", TEXT, stat.etag)
    assert not store.replace("a", b"fourth", TEXT, '"another"')
    assert store.read("a") == b"third"
    proxy.calls.clear()
    assert store.create("b", b"x", TEXT)
    assert proxy.calls["PUT"] == 1


@by_name
def test_a_store_whose_first_request_is_stat_learns_from_the_refusal(
    dialect: Dialect, proxy: FaultProxy, s3_uri: str, worker: Store
) -> None:
    """Responses to HEAD have no body that says why."""
    assert worker.create("a", b"x", TEXT)
    store = open_store(s3_uri)
    for _ in range(2):
        stat = store.stat("a")
        assert stat is not None
        assert stat.sha256 == sha256_hex(b"x")
    assert store.dialect.region == worker.dialect.region  # type: ignore[union-attr]
    assert store.stat("missing") is None


@pytest.mark.slow
@by_name
def test_a_campaign_is_delivered_published_and_verified(
    dialect: Dialect, proxy: FaultProxy, worker: Store, s3_uri: str
) -> None:
    folder = campaign_folder(worker, "spring")
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in range(3)]
    first = publish_records(folder, HEADER, 3, records[:2], lambda: records)
    file_record(folder, failed(2))
    publish_records(folder, HEADER, 3, records, lambda: records)
    reader = open_campaign(s3_uri, "spring")  # never probed
    assert verify(reader).problems == ()
    assert len(read_index(reader).done) == 3
    assert rollback(open_campaign(s3_uri, "spring")).pointer == first.pointer


@by_name
def test_an_upload_damaged_on_its_way_is_refused(dialect: Dialect, proxy: FaultProxy, worker: Store) -> None:
    damaged = 0

    def damage_the_first_upload(method: str, path: str) -> Fault | None:
        nonlocal damaged
        damaged += method == "PUT"
        return "damage" if method == "PUT" and damaged == 1 else None

    proxy.choose = damage_the_first_upload
    store = RetryingStore(worker, RetryPolicy(60.0, sleep=lambda seconds: None))
    assert store.create("a", b"data", TEXT)
    assert store.read("a") == b"data"
    assert damaged == 2


@by_name
def test_objects_say_how_long_caches_may_keep_them(
    dialect: Dialect, proxy: FaultProxy, worker: Store, s3_uri: str, s3_server: S3Server
) -> None:
    folder = campaign_folder(worker, "spring")
    done = deliver(folder, record(0), variant(0).asset, data_of(0))
    published = publish_records(folder, HEADER, 2, [done], list)
    failure = file_record(folder, failed(1))
    part = published.manifest.parts[0].file
    bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=s3_server.endpoint)
    for key, content_type, expected in (
        (variant(0).asset, "image/png", "public, max-age=31536000, immutable"),
        (done.key, "application/json", "no-cache"),
        (published.pointer.manifest, "application/json", "public, max-age=31536000, immutable"),
        (part, None, "public, max-age=31536000, immutable"),
        ("latest.json", "application/json", "no-cache"),
        (failure.key, "application/json", "no-cache"),
    ):
        head = client.head_object(Bucket=bucket, Key=f"{prefix}/spring/{key}")
        assert head["CacheControl"] == expected, key
        assert content_type in (None, head["ContentType"])
    deliver(folder, record(1), variant(1).asset, data_of(1))
    assert client.head_object(Bucket=bucket, Key=f"{prefix}/spring/{failure.key}")["CacheControl"] == "no-cache"


WRONG_REGIONS = [
    (Refusal(400, "AuthorizationHeaderMalformed"), "in another region .*; set AWS_REGION to the region of the bucket"),
    (
        Refusal(400, "AuthorizationHeaderMalformed", "expecting 'eu-west-3'"),
        "in the region 'eu-west-3'.*AWS_REGION=eu-w",
    ),
    (
        Refusal(400, "AuthorizationHeaderMalformed", extra="<Region>eu-west-3</Region>"),
        "in the region 'eu-west-3' .*; set AWS_REGION=eu-west-3",
    ),
    (Refusal(301, "PermanentRedirect"), "set AWS_REGION"),
    (Refusal(301, "PermanentRedirect", headers=(("x-amz-bucket-region", "eu-west-3"),)), "AWS_REGION=eu-west-3"),
    (Refusal(400, "IllegalLocationConstraintException"), "in another region"),
    (Refusal(400, "InvalidRegionName", "The region name 'hush' is not valid."), "in another region"),
    (Refusal(400, "AuthorizationHeaderMalformed", "expecting 'hush hush'"), "in another region"),
]


@pytest.mark.parametrize("dialect", [AMAZON], ids=["amazon"])
@pytest.mark.parametrize(("refusal", "message"), WRONG_REGIONS)
def test_a_wrong_region_is_reported_with_the_right_one(
    proxy: FaultProxy, s3_uri: str, refusal: Refusal, message: str
) -> None:
    proxy.choose = lambda method, path: refusal
    store = open_store(s3_uri)
    for call in (lambda: list(store.list("")), lambda: store.check(), lambda: store.read("a")):
        with pytest.raises(StoreError, match=message) as error:
            call()
        assert error.value.scope == "store"
        assert "hush" not in str(error.value)


@pytest.mark.parametrize("dialect", [DIALECTS[0]], ids=["amazon-eu"])
def test_aws_region_is_used_as_by_other_tools(proxy: FaultProxy, s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    store = open_store(s3_uri)
    assert list(store.list("")) == []
    assert proxy.calls["LIST"] == 1
    assert store.dialect == S3Dialect()


@pytest.mark.parametrize("dialect", [AMAZON], ids=["amazon"])
@pytest.mark.parametrize(
    ("refusal", "message", "scope"),
    [
        (
            Refusal(400, "InvalidArgument", "Unsupported header 'x-amz-checksum-sha256'"),
            "header x-amz-checksum-sha",
            "key",
        ),
        (Refusal(403, "RequestTimeTooSkewed"), "this machine's clock is wrong", "store"),
        (Refusal(400, "ExpiredToken"), "rejected the credentials", "store"),
        (Refusal(400, "RequestTimeout"), "RequestTimeout", "transient"),
        (Refusal(503, "SlowDown"), "SlowDown", "transient"),
        (Refusal(507, "XMinioStorageFull"), "the store is full", "store"),
        (Refusal(403, "SecondLevelDomainForbidden"), "wants the bucket in the host name", "store"),
    ],
)
def test_what_a_refused_upload_says(
    proxy: FaultProxy, s3_uri: str, refusal: Refusal, message: str, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MAX_REQUEST_ATTEMPTS", 1)
    proxy.choose = lambda method, path: refusal
    with pytest.raises(StoreError, match=message) as error:
        open_store(s3_uri).create("a", b"x", TEXT)
    assert error.value.scope == scope
    assert "hush" not in str(error.value)


@by_name
def test_without_the_right_to_list_the_store_says_so(dialect: Dialect, proxy: FaultProxy, worker: Store) -> None:
    """As Amazon does: missing objects are refused, too, and what exists can be read."""
    assert worker.create("a", b"x", TEXT)

    def refuse(method: str, path: str) -> Refusal | None:
        missing = method in ("GET", "HEAD") and path.partition("?")[0].endswith("/missing")
        return Refusal(403, "AccessDenied") if missing or "list-type" in path else None

    proxy.choose = refuse
    assert worker.read("a") == b"x"
    assert worker.stat("a") is not None
    for call, words in (
        (lambda: list(worker.list("")), "can't list \\(s3:ListBucket\\)"),
        (lambda: worker.read("missing"), "can't read .* without s3:ListBucket, missing objects"),
        (lambda: worker.stat("missing"), "can't read .* without s3:ListBucket, missing objects"),
    ):
        with pytest.raises(StoreError, match=f"{words}.*: access denied; allow s3:GetObject") as error:
            call()
        assert error.value.scope == "store"


@pytest.mark.slow
@by_name
@pytest.mark.parametrize("fault", ["503", "cut answer", "lost answer"])
def test_faults_of_a_moment_are_survived(dialect: Dialect, proxy: FaultProxy, worker: Store, fault: Fault) -> None:
    calls = 0

    def every_second(method: str, path: str) -> Fault | None:
        nonlocal calls
        calls += 1
        return fault if calls % 2 else None

    proxy.choose = every_second
    store = RetryingStore(worker, RetryPolicy(60.0, sleep=lambda seconds: None))
    store.create("a", b"data", TEXT)
    assert store.read("a") == b"data"
    assert list(store.list("")) == ["a"]
