"""A real S3 server behind a proxy that injects faults: retries recover from them, and requests are counted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store import s3
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from tests.fault_proxy import FAULTS, Fault, FaultProxy, fault_proxy
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant
from tests.s3_server import S3Process, S3Server, find_weed

VARIANTS = 6


@pytest.fixture
def proxy(s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with fault_proxy(s3_server.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        yield proxy


@pytest.fixture
def folder(proxy: FaultProxy, s3_uri: str) -> Store:
    return open_campaign(s3_uri, "spring")


def every_third(fault: Fault) -> Callable[[str, str], Fault | None]:
    """Injects `fault` into every third request that can have it: only uploads can be damaged."""
    requests = itertools.count(1)

    def choose(method: str, path: str) -> Fault | None:
        applies = method == "PUT" or fault != "damage"
        return fault if applies and next(requests) % 3 == 0 else None

    return choose


def campaign(folder: Store, settling: float = 0.0) -> list[Record]:
    """Delivers and publishes a small campaign with a failed variant, with retries.

    settling: seconds between the records and the manifest. Records of the same second are read again.
    """
    retrying = RetryingStore(folder, RetryPolicy(60.0, sleep=lambda seconds: time.sleep(seconds / 20)))
    records = [
        deliver(retrying, record(number), variant(number).asset, data_of(number) * 1000) for number in range(VARIANTS)
    ]
    records.append(file_record(retrying, failed(VARIANTS)))
    time.sleep(settling)
    publish_records(retrying, HEADER, VARIANTS + 1, records, lambda: records)
    return records


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=() if fault in ("503", "lost answer") else pytest.mark.slow) for fault in FAULTS],
)
def test_retries_recover_from_faults(proxy: FaultProxy, folder: Store, fault: Fault) -> None:
    proxy.choose = every_third(fault)
    records = campaign(folder)
    assert proxy.injected[fault] >= VARIANTS // 2
    proxy.choose = lambda method, path: None
    latest = read_latest(folder)
    assert latest is not None
    assert sorted(read_records(folder, latest), key=lambda one: one.seed) == records
    assert [one.attempts for one in records] == [1] * (VARIANTS + 1)
    assert [problem for problem in verify(folder).problems if problem.kind != "unknown"] == []
    assert len(list(folder.list("assets/"))) == VARIANTS


def test_an_unavailable_server_is_reported_after_the_deadline(
    proxy: FaultProxy, folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "MAX_REQUEST_ATTEMPTS", 1)  # botocore's own retries are slow
    proxy.choose = lambda method, path: "503"
    with pytest.raises(StoreError) as error:
        RetryPolicy(0.5).call(lambda: folder.create("a", b"x", "text/plain"))
    assert "the server responded with SlowDown (HTTP 503)" in str(error.value)
    assert "hush" not in str(error.value)
    assert error.value.scope == "transient"


@pytest.mark.slow
def test_resuming_a_finished_campaign_costs_three_listings_and_few_reads(
    proxy: FaultProxy, folder: Store, s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most n/1000 + 4 listings, and no read per variant."""
    records = campaign(folder, settling=1.1)
    with monkeypatch.context() as patch, ThreadPoolExecutor(8) as threads:
        patch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)  # past the proxy, which takes longer
        direct = open_campaign(s3_uri, "spring")
        keys = [record(number).key for number in range(VARIANTS + 1, 1200)]
        assert all(threads.map(lambda key: direct.create(key, b"{}", "application/json"), keys))
    proxy.calls.clear()
    render_keys = {one.render_key for one in records if one.status == "done"}
    assert read_index(folder, render_keys).done.keys() == render_keys
    assert proxy.calls["LIST"] == 4
    assert proxy.calls["GET"] == 3
    assert proxy.calls["PUT"] == 0


def test_nothing_is_lost_when_the_server_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server
) -> None:
    weed = find_weed()
    assert weed is not None
    server = S3Process(weed, tmp_path)
    try:
        server.start()
        for name, value in server.server.environment.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="assets")
        folder = open_campaign("s3://assets/brands", "spring")
        first = deliver(folder, record(0), variant(0).asset, data_of(0))
        server.kill()
        sleeps: list[float] = []

        def wait(seconds: float) -> None:
            sleeps.append(seconds)
            server.start()

        retrying = RetryingStore(folder, RetryPolicy(60.0, sleep=wait))
        second = deliver(retrying, record(1), variant(1).asset, data_of(1))
        assert len(sleeps) == 1
        publish_records(folder, HEADER, 2, [first, second], list)
        assert verify(folder).problems == ()
    finally:
        server.kill()
