"""A real S3 server behind a proxy that spoils calls: nothing is lost, nothing is wrong, and calls are counted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.manifest import publish, read_latest, read_records
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store import s3
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from tests.fault_proxy import FAULTS, Fault, FaultProxy, fault_proxy
from tests.pipeline.deliver.records import HEADER, data_of, failed, record, variant
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
    """Of the calls that a fault can befall: only what is sent can be damaged on its way."""
    numbers = itertools.count(1)

    def choose(method: str, path: str) -> Fault | None:
        befalls = method == "PUT" or fault != "damage"
        return fault if befalls and next(numbers) % 3 == 0 else None

    return choose


def campaign(folder: Store) -> list[Record]:
    """Deliver and publish a small campaign with a failed variant, with patience."""
    patient = RetryingStore(folder, RetryPolicy(60.0, sleep=lambda seconds: time.sleep(seconds / 20)))
    records = [
        deliver(patient, record(number), variant(number).asset, data_of(number) * 1000) for number in range(VARIANTS)
    ]
    records.append(file_record(patient, failed(VARIANTS)))
    publish(patient, HEADER, VARIANTS + 1, records, lambda: records)
    return records


@pytest.mark.parametrize("fault", FAULTS)
def test_spoiled_calls_are_made_good(proxy: FaultProxy, folder: Store, fault: Fault) -> None:
    proxy.choose = every_third(fault)
    records = campaign(folder)
    assert proxy.done[fault] >= VARIANTS // 2
    proxy.choose = lambda method, path: None
    latest = read_latest(folder)
    assert latest is not None
    assert sorted(read_records(folder, latest), key=lambda one: one.seed) == records
    assert [one.attempts for one in records] == [1] * (VARIANTS + 1)
    assert [problem for problem in verify(folder).problems if problem.kind != "unknown"] == []
    assert len(list(folder.list("assets/"))) == VARIANTS


def test_a_server_that_stays_out_ends_patience_with_a_sentence(
    proxy: FaultProxy, folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)  # of botocore's own, which take long
    proxy.choose = lambda method, path: "503"
    with pytest.raises(StoreError) as error:
        RetryPolicy(0.5).call(lambda: folder.create("a", b"x", "text/plain"))
    assert "the server answers SlowDown (HTTP 503)" in str(error.value)
    assert "hush" not in str(error.value)
    assert error.value.scope == "moment"


def test_a_finished_campaign_costs_a_listing_and_few_reads(
    proxy: FaultProxy, folder: Store, s3_uri: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """n/1000 + 3 listings at most, and no read for each variant."""
    records = campaign(folder)
    with monkeypatch.context() as patch, ThreadPoolExecutor(8) as threads:
        patch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint)  # past the proxy, which takes longer
        direct = open_campaign(s3_uri, "spring")
        keys = [record(number).key for number in range(VARIANTS + 1, 1200)]
        assert all(threads.map(lambda key: direct.create(key, b"{}", "application/json"), keys))
    proxy.seen.clear()
    wanted = {one.render_key for one in records if one.status == "done"}
    assert read_index(folder, wanted).keys() == wanted
    assert proxy.seen["LIST"] == 2
    assert proxy.seen["GET"] == 3
    assert proxy.seen["PUT"] == 0


def test_a_server_that_is_killed_and_comes_back_loses_nothing(
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
        made = deliver(folder, record(0), variant(0).asset, data_of(0))
        server.kill()
        pauses: list[float] = []

        def wait(seconds: float) -> None:
            pauses.append(seconds)
            server.start()

        patient = RetryingStore(folder, RetryPolicy(60.0, sleep=wait))
        later = deliver(patient, record(1), variant(1).asset, data_of(1))
        assert len(pauses) == 1
        publish(folder, HEADER, 2, [made, later], list)
        assert verify(folder).problems == ()
    finally:
        server.kill()
