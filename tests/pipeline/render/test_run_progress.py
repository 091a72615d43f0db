"""How far a run is, computed from its events."""

from __future__ import annotations

import pytest

from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.events import (
    Event,
    GroupSubmitted,
    Planned,
    StoreWait,
    VariantOutOfMemory,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    WorkerDismissed,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.run_progress import RATE_SECONDS, RunProgress
from tests.pipeline.deliver.records import failed, record

W = "worker-0"
LOADED = WorkerLoaded(W, {"device": "cpu"}, 2.0, hostname="node-3")


def key(number: int) -> str:
    return record(number).render_key


def started(number: int) -> Event:
    return VariantStarted(key(number), record(number).name, worker=W)


def after(*events: Event) -> RunProgress:
    progress = RunProgress()
    for event in events:
        progress.apply(event, 0.0)
    return progress


LOADING: tuple[Event, ...] = (Planned(9, 0, 9), WorkersStarting(1, False, 1), WorkerRunning(W, "id", "node-3"))


@pytest.mark.parametrize(
    ("events", "activity"),
    [
        ([], "loading the model"),
        ([LOADED], "idle"),
        ([LOADED, GroupSubmitted(W, 8)], "preparing 8"),
        ([LOADED, GroupSubmitted(W, 8), started(0)], "rendering mug/scene000"),
        ([LOADED, GroupSubmitted(W, 8), started(0), started(1), started(2)], "rendering mug/scene000 and 2 more"),
        ([LOADED, started(0), started(1), VariantRendered(key(0), worker=W)], "rendering mug/scene001, uploading 1"),
        ([LOADED, started(0), VariantRendered(key(0), worker=W)], "uploading 1"),
        ([LOADED, started(0), VariantRendered(key(0), worker=W), VariantRecorded(record(0), worker=W)], "idle"),
        ([LOADED, started(0), VariantRecorded(failed(0, "no"), worker=W)], "idle"),
        ([LOADED, started(0), VariantOutOfMemory(key(0), Cause("no memory"), worker=W)], "idle"),
        (
            [LOADED, started(0), VariantRendered(key(0), worker=W), StoreWait(True, worker=W)],
            "waiting for the store, uploading 1",
        ),
        ([LOADED, started(0), StoreWait(True, worker=W), StoreWait(False, worker=W)], "rendering mug/scene000"),
    ],
)
def test_what_a_worker_does(events: list[Event], activity: str) -> None:
    progress = after(*LOADING, *events)
    assert progress.workers[W].activity == activity
    assert progress.starting == 0


@pytest.mark.parametrize(("gpus", "place"), [("", "node-3, cpu"), ("1", "node-3, GPU 1")])
def test_where_a_worker_is(gpus: str, place: str) -> None:
    progress = after(*LOADING)
    assert progress.workers[W].place == "node-3"
    progress.apply(WorkerLoaded(W, {"device": "cpu"}, 2.0, gpus=gpus, hostname="node-3"), 0.0)
    assert progress.workers[W].place == place


@pytest.mark.parametrize("event", [WorkerLost(W, "died"), WorkerDismissed(W)])
def test_a_worker_that_is_gone_does_nothing(event: Event) -> None:
    assert after(*LOADING, LOADED, event).workers == {}


def test_a_picture_of_a_worker_that_is_gone_still_counts() -> None:
    progress = after(*LOADING, LOADED, started(0), WorkerLost(W, "died"), VariantRecorded(failed(0, "its worker died")))
    assert (progress.failed, progress.workers) == (1, {})


def test_a_picture_that_a_worker_finds_in_the_store_is_no_longer_queued() -> None:
    """It's recorded without having been started."""
    progress = after(*LOADING, LOADED, GroupSubmitted(W, 9), *(VariantRecorded(record(i), worker=W) for i in range(8)))
    assert (progress.recorded, progress.todo, progress.workers[W].activity) == (8, 9, "preparing 1")
    for event in (started(8), VariantRendered(key(8), worker=W), VariantRecorded(record(8), worker=W)):
        progress.apply(event, 0.0)
    assert (progress.recorded, progress.todo, progress.workers[W].activity) == (9, 9, "idle")


def test_counts_add_up_over_runs_that_follow_each_other() -> None:
    first = [
        Planned(4, 1, 3),
        *(VariantRecorded(record(number)) for number in range(2)),
        VariantRecorded(failed(2, "no")),
    ]
    progress = after(*first, Planned(4, 3, 1))
    assert (progress.done, progress.failed, progress.todo) == (2, 1, 4)
    assert (progress.planned, progress.done_before) == (4, 3)


def test_pictures_that_are_rendered_again_count_too() -> None:
    recorded = [VariantRecorded(record(number)) for number in range(3)]
    progress = after(*LOADING[1:], LOADED, Planned(3, 0, 3), *recorded)
    assert (progress.recorded, progress.todo) == (3, 3)
    progress.apply(GroupSubmitted(W, 2), 0.0)
    assert (progress.recorded, progress.todo) == (3, 5)
    progress.apply(started(3), 0.0)
    assert progress.todo == 5
    progress.apply(VariantRecorded(record(3), worker=W), 0.0)
    assert (progress.recorded, progress.todo) == (4, 5)


def test_the_rate_is_that_of_the_last_minutes() -> None:
    progress = after(Planned(1000, 0, 1000), WorkersStarting(1, False, 1))
    assert progress.rate(5.0) is None
    progress.apply(LOADED, 10.0)
    assert (progress.rate(10.0), progress.seconds_left(10.0)) == (None, None)
    for number in range(100):
        progress.apply(VariantRecorded(record(number)), 10.0 + number)
    assert progress.rate(110.0) == pytest.approx(1.0)
    assert progress.seconds_left(110.0) == pytest.approx(900)
    now = 109.0 + RATE_SECONDS
    assert progress.rate(now) == pytest.approx(1 / RATE_SECONDS)
    assert progress.rate(now + 1) is None, "nothing was delivered for five minutes"


def test_cache_hits_are_a_share_of_all_uses() -> None:
    progress = after(VariantRecorded(record(0, cache={"text": 1, "reference_kv": 0})), VariantRecorded(record(1)))
    assert progress.hit_rate == 0.5
    assert after(VariantRecorded(record(1))).hit_rate is None


def test_waiting_for_resources_ends_when_a_process_runs() -> None:
    progress = after(Planned(9, 0, 9), WorkersStarting(2, True, 1), WorkersPending(2, "GPU", 2, 0, 0))
    assert progress.pending is not None and progress.pending.startswith("waiting for resources: 2 GPUs requested")
    progress.apply(WorkerRunning(W, "id", "node-3"), 0.0)
    assert (progress.pending, progress.starting) == (None, 1)
