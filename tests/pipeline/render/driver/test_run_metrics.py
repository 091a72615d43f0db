"""A run's metrics: recorded without Ray's objects, and scraped from a private Ray as Prometheus does it."""

from __future__ import annotations

import re
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.render.driver import run_metrics
from brandpress.pipeline.render.driver.run_metrics import COUNTERS, GAUGES, HISTOGRAMS, RunMetrics, with_metrics
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    VariantRecorded,
    VariantStarted,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersStarting,
    WorkTime,
)
from tests.campaigns import write_campaign
from tests.pipeline.deliver.records import failed, record
from tests.processes import driver, read_events
from tests.ray_nodes import free_port

SCRAPE_SECONDS = 90.0


class Recorder:
    """Stands in for a metric of Ray's, whose values can't be read in its process; the slow test reads real ones."""

    def __init__(self) -> None:
        self.values: list[tuple[str, float, dict[str, str]]] = []

    def inc(self, value: float, tags: dict[str, str]) -> None:
        assert value > 0, "Ray refuses others"
        self.values.append(("inc", value, tags))

    def set(self, value: float, tags: dict[str, str]) -> None:
        self.values.append(("set", value, tags))

    def observe(self, value: float, tags: dict[str, str]) -> None:
        self.values.append(("observe", value, tags))


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recorder]:
    recorders = {name: Recorder() for name in (*COUNTERS, *GAUGES, *HISTOGRAMS)}
    monkeypatch.setattr(run_metrics, "_new_metrics", lambda: recorders)
    return recorders


EVENTS: list[Event] = [
    Planned(4, 1, 3),
    WorkersStarting(2, True, 1),
    WorkerRunning("worker-0", "id", "node-3"),
    WorkerLoaded("worker-0", {"device": "cpu"}, 2.5),
    VariantStarted(record(0).render_key, "mug", worker="worker-0"),
    WorkTime(3.0, 2.0, worker="worker-0"),
    VariantRecorded(
        record(0, timings={"denoise": 1.5, "encode": 0.1}, cache={"text": 1}, bytes=1000), worker="worker-0"
    ),
    VariantRecorded(failed(1, "no memory"), worker="worker-0"),
    WorkerLost("worker-0", "died"),
]


def test_events_become_metrics(recorders: dict[str, Recorder]) -> None:
    seen: list[Event] = []
    record_event = with_metrics("spring", seen.append)
    for event in EVENTS:
        record_event(event)
    assert seen == EVENTS
    tags = {"campaign": "spring"}

    def last(name: str, **more: str) -> float:
        return [value for _, value, labels in recorders[name].values if labels == tags | more][-1]

    assert [labels["status"] for _, _, labels in recorders["pictures"].values] == ["done", "failed"]
    assert last("picture_seconds", stage="denoise") == 1.5
    assert last("cache", kind="text", result="hit") == 1
    assert last("uploaded_bytes") == 1000
    assert (last("worker_seconds", kind="busy"), last("worker_seconds", kind="model")) == (3.0, 2.0)
    assert (last("load_seconds"), last("workers_lost"), last("pictures_left")) == (2.5, 1, 1)
    rendering = [value for _, value, labels in recorders["workers"].values if labels["state"] == "rendering"]
    assert (max(rendering), rendering[-1], last("workers", state="loading")) == (1, 0, 1)


def test_metrics_never_end_a_run(recorders: dict[str, Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("no metrics today")

    monkeypatch.setattr(run_metrics, "_new_metrics", broken)
    metrics = RunMetrics("spring")
    for event in EVENTS:
        metrics.record(event)
    assert not any(recorder.values for recorder in recorders.values())


@pytest.mark.parametrize("port", ["0", "80", "65536", "x"])
def test_a_wrong_port_is_an_error_before_anything_is_rendered(tmp_path: Path, port: str) -> None:
    from brandpress.model.errors import RequestError
    from brandpress.pipeline.render.driver.cluster import METRICS_PORT, metrics_port

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(METRICS_PORT, port)
        with pytest.raises(RequestError, match=f"{METRICS_PORT}: '{port}' is no port; allowed: 1024 to 65535"):
            metrics_port()


@pytest.mark.slow
def test_prometheus_reads_the_metrics_of_a_run(tmp_path: Path) -> None:
    """Of a run with a private Ray, while it's at work; what a scrape returns is parsed by Prometheus' own library."""
    from prometheus_client.parser import text_string_to_metric_families

    port = free_port()
    scenes = {f"s{number}": f"{number} [sleep 1]" for number in range(300)} | {"a": "[raise]"}
    job = write_campaign(tmp_path, scenes, products=("mug",))
    with driver(job, environment={"BRANDPRESS_METRICS_PORT": str(port)}) as process:
        for kind, _ in read_events(process):
            if kind == "done":  # the variant that fails may be recorded first
                break
        samples: dict[str, dict[str, float]] = {}
        deadline = time.monotonic() + SCRAPE_SECONDS
        while "ray_brandpress_pictures_total" not in samples and time.monotonic() < deadline:
            time.sleep(1)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
                    text = response.read().decode()
            except OSError:
                continue
            samples = {}
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name.startswith("ray_brandpress_"):
                        assert sample.labels["campaign"] == "spring"
                        key = (
                            sample.labels.get("status") or sample.labels.get("stage") or sample.labels.get("state", "")
                        )
                        samples.setdefault(sample.name, {})[key] = sample.value
        process.send_signal(signal.SIGINT)
        for _ in read_events(process):
            pass
        assert process.wait() == 0
    assert samples["ray_brandpress_pictures_total"]["done"] >= 1
    assert samples["ray_brandpress_pictures_left"][""] < 301
    assert samples["ray_brandpress_workers"].keys() == {"loading", "rendering", "waiting"}
    assert samples["ray_brandpress_load_seconds_count"][""] == 1
    assert samples["ray_brandpress_picture_seconds_sum"]["denoise"] > 0
    document = (Path(__file__).parents[4] / "docs" / "operation.md").read_text()
    documented = set(re.findall(r"`(ray_brandpress_\w+)`", document))
    assert documented == {
        *(f"ray_brandpress_{name}_total" for name in COUNTERS),
        *(f"ray_brandpress_{name}" for name in (*GAUGES, *HISTOGRAMS)),
    }
    scraped = {re.sub(r"_(bucket|sum|count)$", "", name) for name in samples}
    assert scraped <= documented
