"""Whole runs whose driver is a separate process with a private Ray: killed, interrupted, two together, to S3."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.events import Event, VariantRecorded
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import PRODUCTS, write_campaign
from tests.fault_proxy import Fault, fault_proxy
from tests.pipeline.render.driver.test_run import named, render
from tests.processes import driver, leftover_processes, read_events, worker_pids
from tests.s3_dialects import Dialect
from tests.s3_server import SECRET_KEY, S3Server


@pytest.mark.slow
def test_after_a_killed_driver_the_next_renders_only_the_rest(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [sleep 0.3]" for number in range(8)})
    recorded = []
    with driver(job, "2") as process:
        for kind, value in read_events(process):
            recorded += [value] if kind == "recorded" else []
            if len(recorded) == 5:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
    folder = tmp_path / "out" / "spring"
    assert not (folder / "latest.json").exists()
    done = set(open_campaign(str(tmp_path / "out"), "spring").list("records/"))
    pictures = {path: path.stat().st_mtime_ns for path in (folder / "assets").rglob("*.png")}
    assert 5 <= len(done) < 16
    events: list[Event] = []
    outcome = render(job, events.append, workers=2)
    assert outcome.skipped >= len(done)
    assert outcome.skipped + outcome.done == 16
    rendered_again = {event.record.name for event in events if isinstance(event, VariantRecorded)}
    assert not rendered_again & set(recorded)
    assert all(path.stat().st_mtime_ns == changed for path, changed in pictures.items())
    assert verify(open_campaign(str(tmp_path / "out"), "spring")).problems == ()


@pytest.mark.slow
def test_ctrl_c_finishes_the_current_pictures_and_publishes(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [sleep 0.3]" for number in range(10)})
    outcome: dict[str, Any] = {}
    addresses: list[str] = []
    stopping, interrupted = 0, False
    with driver(job) as process:
        for kind, value in read_events(process):
            if kind == "recorded" and not interrupted:  # a second signal would end the run at once
                process.send_signal(signal.SIGINT)
                interrupted = True
            stopping += kind == "stopping"
            addresses += value if kind == "addresses" else []
            outcome = value if kind == "outcome" else outcome
        assert process.wait() == 0
    assert stopping == 1
    assert addresses == ["127.0.0.1"], "a private Ray is closed to the network"
    counts = outcome["counts"]
    assert outcome["interrupted"]
    assert 1 <= counts["done"] < 20
    assert counts["left"] == 20 - counts["done"]
    latest = read_latest(open_campaign(str(tmp_path / "out"), "spring"))
    assert latest is not None
    assert (latest.manifest.status, latest.manifest.counts.done) == ("partial", counts["done"])
    assert leftover_processes(tmp_path) == []


@pytest.mark.slow
def test_a_second_signal_ends_immediately_and_leaves_no_worker_behind(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"long": "[sleep 60]"}, products=("mug",))
    with driver(job) as process:
        for kind, _ in read_events(process):
            if kind in ("started", "stopping"):
                assert leftover_processes(tmp_path), "the workers run until the signal"
                process.send_signal(signal.SIGTERM)
        assert process.wait() != 0
    assert leftover_processes(tmp_path) == []
    assert not (tmp_path / "out" / "spring" / "records").exists()


@pytest.mark.slow
def test_variants_go_to_workers_that_cached_their_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 sets of 50 variants on 8 workers, each of which caches 4 sets. All workers render, however late they start."""
    products = {f"product{number:02}": f"rgb({5 * number}, 90, 160)" for number in range(20)}
    for name, colour in products.items():
        monkeypatch.setitem(PRODUCTS, name, colour)
    job = write_campaign(tmp_path, 50, products=tuple(products))
    with driver(job, "8", "tests.stand_in:load_synchronised") as process:
        events = list(read_events(process))
        assert process.wait() == 0
    (outcome,) = [value for kind, value in events if kind == "outcome"]
    (lines,) = [value for kind, value in events if kind == "lines"]
    assert outcome["counts"]["done"] == 1000
    for kind in ("started", "done"):
        assert sorted(value for name, value in events if name == kind) == sorted(
            f"{product}/scene{number:02}" for product in products for number in range(50)
        ), "each variant is rendered exactly once"
    hits, uses = outcome["cache"]["reference_kv"]["hits"], outcome["cache"]["reference_kv"]["uses"]
    assert uses == 1000
    assert hits >= 900
    assert f"cache hits: reference_kv {hits / uses:.0%} of 1,000" in lines
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    records = read_records(folder, latest)
    assert len({record.host["device"] for record in records}) == 8
    assert sum(record.cache["reference_kv"] for record in records) == hits


@pytest.mark.slow
def test_two_drivers_together_do_no_harm(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [sleep 0.1]" for number in range(8)})
    with driver(job, "--join") as one, driver(job, "--join") as two:
        outcomes = [[value for kind, value in read_events(process) if kind == "outcome"] for process in (one, two)]
        assert (one.wait(), two.wait()) == (0, 0)
    for (outcome,) in outcomes:
        assert outcome["counts"]["skipped"] + outcome["counts"]["done"] == 16
        assert outcome["failed"] == []
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    assert latest.manifest.status == "done"
    assert verify(folder).problems == ()
    assert len(list(folder.list("assets/"))) == 16


@pytest.mark.slow
@pytest.mark.parametrize("records", [6, 0])
def test_a_store_that_rejects_all_writes_ends_the_run_with_one_error(
    s3_uri: str, s3_server: S3Server, tmp_path: Path, records: int
) -> None:
    """As when credentials expire, after so many records: rendering stops, and no delivered picture is lost."""
    remaining = records

    def fault_of(method: str, path: str) -> Fault | None:
        nonlocal remaining
        if method != "PUT" or "probe" in path:
            return None
        remaining -= "/records/" in path
        return "403" if remaining < 0 or not records else None

    job = write_campaign(tmp_path, {f"s{n:02}": f"{n} [sleep 0.1]" for n in range(20)}, deliver=s3_uri)
    with (
        fault_proxy(s3_server.endpoint, fault_of) as proxy,
        driver(job, environment={"AWS_ENDPOINT_URL_S3": proxy.endpoint}) as process,
    ):
        events = list(read_events(process))
        code = process.wait()
    (error,) = [value for kind, value in events if kind == "error"]
    done = sum(kind == "done" for kind, _ in events)
    assert (
        f"access denied; allow s3:GetObject, PutObject and ListBucket (and DeleteObject to clean) ({done} of 40"
        in error
    )
    assert code == (3 if done else 4)
    assert bool(records) == bool(done)
    assert sum(kind == "started" for kind, _ in events) < 40
    with driver(job) as process:
        (outcome,) = [value for kind, value in read_events(process) if kind == "outcome"]
    assert outcome["counts"]["skipped"] == done
    assert outcome["counts"]["done"] == 40 - done
    assert verify(open_campaign(s3_uri, "spring")).problems == ()


@pytest.mark.slow
def test_a_finished_campaign_on_s3_is_neither_rendered_nor_written(
    s3_uri: str, s3_server: S3Server, tmp_path: Path
) -> None:
    job = write_campaign(tmp_path, 3, deliver=s3_uri)
    with fault_proxy(s3_server.endpoint) as proxy:
        for done in (6, 0):
            proxy.calls.clear()
            with driver(job, environment={"AWS_ENDPOINT_URL_S3": proxy.endpoint}) as process:
                (outcome,) = [value for kind, value in read_events(process) if kind == "outcome"]
            assert outcome["counts"]["done"] == done
        assert proxy.calls["PUT"] == proxy.calls["DELETE"] == 0
        assert proxy.calls["LIST"] <= 4  # one of them lists only the latest manifest's header


@pytest.mark.slow
def test_workers_start_with_what_the_driver_found_out_about_the_server(
    s3_uri: str, s3_server: S3Server, tmp_path: Path
) -> None:
    """A server that refuses checksum headers is asked once, by the driver."""
    job = write_campaign(tmp_path, 3, deliver=s3_uri)
    with (
        fault_proxy(s3_server.endpoint, dialect=Dialect("refuses", checksums="refused")) as proxy,
        driver(job, environment={"AWS_ENDPOINT_URL_S3": proxy.endpoint}) as process,
    ):
        (outcome,) = [value for kind, value in read_events(process) if kind == "outcome"]
    assert outcome["counts"]["done"] == 6
    assert sum("x-amz-checksum-sha256" in headers for headers in proxy.headers) == 1
    assert sum("x-amz-meta-sha256" in headers for headers in proxy.headers) > 12
    assert verify(open_campaign(s3_uri, "spring")).problems == ()


@pytest.mark.slow
def test_no_secret_reaches_the_store_or_the_workers(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers inherit the keys of their store and no other secret of the driver."""
    monkeypatch.setenv("GITHUB_TOKEN", "hush-github")
    monkeypatch.setenv("BFL_API_KEY", "hush-bfl")
    job = write_campaign(tmp_path, named({"good": "", "bad": "[raise]", "look": "[sleep 2]"}), deliver=s3_uri)
    environment = b""
    with driver(job) as process:
        for kind, _ in read_events(process):
            if kind == "started" and not environment:
                (worker,) = worker_pids(tmp_path)
                environment = (Path("/proc") / str(worker) / "environ").read_bytes()
    assert SECRET_KEY.encode() in environment
    assert b"hush" not in environment
    assert b"RAY_AUTH_TOKEN=" in environment
    folder = open_campaign(s3_uri, "spring")
    for key in folder.list(""):
        data = folder.read(key) or b""
        assert b"hush" not in data
        assert SECRET_KEY.encode() not in data


@pytest.mark.slow
def test_a_campaign_goes_to_s3(s3_uri: str, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 3, deliver=s3_uri)
    for done in (6, 0):
        with driver(job) as process:
            (outcome,) = [value for kind, value in read_events(process) if kind == "outcome"]
        assert outcome["counts"]["done"] == done
        assert outcome["folder"] == f"{s3_uri}/spring"
    folder = open_campaign(s3_uri, "spring")
    assert verify(folder).problems == ()
    assert len(list(folder.list("assets/"))) == 6
