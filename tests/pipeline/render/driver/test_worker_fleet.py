"""Which workers a run has, over a fake worker pool; a test of the driver's loop and real Ray show the rest."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.cluster_watch import GROW_SECONDS, ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.placement import Demand
from brandpress.pipeline.render.driver.worker_fleet import MAX_FAILED_STARTS, WorkerFleet
from brandpress.pipeline.render.events import Event, Loss, WorkerDismissed, WorkerLost, WorkersPending
from tests.pipeline.deliver.records import variant
from tests.pipeline.render.driver.fake_pool import FakePool


class Fleet:
    """A fleet of `workers` on `gpus`, with 24 variants to render, and what happened to it."""

    def __init__(self, workers: int, gpus: int = 0, watch: ClusterWatch | None = None) -> None:
        self.pool = FakePool(max(gpus, workers), 1, set(), frozenset())
        self.events = list[Event]()
        dispatcher = Dispatcher(map(variant, range(24)), workers)
        self.fleet = WorkerFleet(
            self.pool,  # type: ignore[arg-type]
            dispatcher,
            Deadlines(),
            self.events.append,
            gpus=gpus,
            watch=watch,
        )
        self.fleet.start(workers)

    def use(self, worker: str, gpu: int = 0) -> None:
        self.fleet.run(worker, "host")
        assert self.fleet.place(worker, "node", str(gpu))
        self.fleet.use(worker)


def test_stopping_dismisses_the_workers_that_have_not_loaded() -> None:
    run = Fleet(3)
    run.use("worker-1")
    run.fleet.stop()
    assert run.pool.names() == ("worker-1",)
    assert [event.worker for event in run.events if isinstance(event, WorkerDismissed)] == ["worker-0", "worker-2"]


def test_a_lost_start_is_repeated_a_few_times() -> None:
    run = Fleet(1)
    for number in range(MAX_FAILED_STARTS):
        assert run.pool.names() == (f"worker-{number}",)
        run.pool.dismiss(f"worker-{number}")
        run.fleet.lose_at_start(WorkerLost(f"worker-{number}", "its process died"))
    assert not run.fleet.can_work
    assert run.fleet.last_cause == "its process died while it loaded the model"


def test_a_refused_model_is_not_loaded_again() -> None:
    run = Fleet(1)
    run.pool.dismiss("worker-0")
    run.fleet.lose_at_start(WorkerLost("worker-0", "no tokenizer", Loss.LOAD_REFUSED))
    assert not run.fleet.can_work
    assert run.fleet.last_cause == "no tokenizer"


def test_answers_show_that_workers_can_start() -> None:
    run = Fleet(1)
    for number in range(2 * MAX_FAILED_STARTS):
        run.use(f"worker-{number}")
        run.fleet.count_record(f"worker-{number}", done=True)
        run.pool.dismiss(f"worker-{number}")
        run.fleet.forget(f"worker-{number}")
        run.fleet.lose_at_work(WorkerLost(f"worker-{number}", "its process died"), idle=True)
    assert run.fleet.can_work


def test_an_unfit_node_ends_the_run_only_before_work_has_begun() -> None:
    unfit = WorkerLost("worker-0", "the node has another version", Loss.NODE_UNFIT)
    with pytest.raises(NothingRenderedError, match="another version"):
        Fleet(2).fleet.lose_unfit(unfit)
    run = Fleet(2)
    run.fleet.begin_work()
    run.fleet.lose_unfit(unfit)
    assert run.fleet.parked == {"worker-0"}, "it keeps its place"
    assert run.pool.names() == ("worker-0", "worker-1")
    assert run.fleet.can_work


def test_an_idle_worker_is_replaced_if_the_rest_needs_a_fresh_one() -> None:
    run = Fleet(1)
    run.use("worker-0")
    run.fleet.refresh("worker-0")
    assert run.pool.names() == ("worker-0",), "nothing needs a fresh one"


def cluster(gpus: Callable[[], int], timeout: float = math.inf) -> ClusterWatch:
    return ClusterWatch(
        Demand(1, 1), lambda: Resources(8, gpus(), shared=True), lambda resource: 0.0, grows=True, timeout=timeout
    )


def test_workers_join_and_leave_with_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus, now = [1], [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    run = Fleet(1, 1, cluster(lambda: gpus[0]))
    run.use("worker-0")
    for expected in (1, 3, 2):
        gpus[0], now[0] = expected, now[0] + GROW_SECONDS + 1
        run.fleet.follow_cluster()
        assert len(run.pool) == expected
    assert "worker-0" in run.pool, "only workers that wait are withdrawn"


def test_a_run_without_resources_gives_up_after_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    run = Fleet(1, 1, cluster(lambda: 0, timeout=30))
    for now[0] in (1.0, 20.0, 32.0):
        assert run.fleet.can_work
        run.fleet.follow_cluster()
    assert not run.fleet.can_work
    assert "BRANDPRESS_RESOURCE_TIMEOUT (30 s) is over" in run.fleet.last_cause
    assert sum(isinstance(event, WorkersPending) for event in run.events) == 1
