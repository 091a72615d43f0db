"""The driver's loop over a fake worker pool: which GPUs the workers get, and what happens if a GPU is broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.driver import driver_loop, startup
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.cluster_watch import ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.gpu_health import MAX_DEVICE_LOSSES
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.placement import Demand
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.shared_cause import SharedCause
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.events import (
    Event,
    GroupSubmitted,
    Loss,
    Message,
    RendererBlocked,
    Stopping,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    Warned,
    WorkerDismissed,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersLoading,
)
from brandpress.pipeline.render.run_progress import RunProgress
from brandpress.pipeline.spec.budget import Budget
from brandpress.pipeline.store.folder import open_campaign
from tests.pipeline.deliver.records import MODEL, failed, record, variant
from tests.pipeline.render.driver.fake_pool import FakePool


def run(
    folder: Path, gpus: int, per_gpu: int, broken: set[int], workers: int, killers: frozenset[str] = frozenset()
) -> tuple[FakePool, DriverLoop, list[Event], dict[str, int]]:
    """Returns the pool, the loop, the events and the number of records per status."""
    variants = [variant(number) for number in range(24)]
    worker_pool, events = FakePool(gpus, per_gpu, broken, killers), list[Event]()
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    dispatcher = Dispatcher(variants, workers, largest_group=2)
    loop = DriverLoop(worker_pool, dispatcher, results, Deadlines(), events.append, gpus=gpus, per_gpu=per_gpu)  # type: ignore[arg-type]
    loop.run(workers, lambda: False)
    statuses = Counter(record.status for record in results.others.values()) + Counter(done=len(results.done))
    return worker_pool, loop, events, dict(statuses)


def test_events_name_their_workers(tmp_path: Path) -> None:
    """Each picture's events come from one worker that was given variants, and nothing is left in progress."""
    _, _, events, _ = run(tmp_path, 2, 1, set(), 2)
    given = {event.worker for event in events if isinstance(event, GroupSubmitted)}
    assert sum(event.variants for event in events if isinstance(event, GroupSubmitted)) == 24
    started = {event.render_key: event.worker for event in events if isinstance(event, VariantStarted)}
    recorded = {event.record.render_key: event.worker for event in events if isinstance(event, VariantRecorded)}
    assert started == recorded
    assert set(started.values()) == given == {"worker-0", "worker-1"}
    progress = RunProgress()
    for event in events:
        progress.apply(event, 0.0)
    assert [worker.activity for worker in progress.workers.values()] == ["idle", "idle"]


def test_workers_learn_what_a_lost_worker_may_have_delivered(tmp_path: Path) -> None:
    """All that it was given, because its last messages may be lost; but nothing that was never handed out."""
    killer = variant(20).name
    pool, *_ = run(tmp_path, 1, 1, set(), 1, frozenset({killer}))
    looked_for = [names for names in pool.maybe_delivered if names]
    assert {killer} in looked_for
    assert set.union(*looked_for) < {variant(number).name for number in range(24)}
    assert not pool.maybe_delivered[0]


def test_workers_that_idle_on_a_broken_gpu_are_shown_as_dismissed(tmp_path: Path) -> None:
    _, _, events, _ = run(tmp_path, 2, 1, {0}, 2, frozenset({"mug/scene020"}))
    progress = RunProgress()
    for event in events:
        progress.apply(event, 0.0)
    assert any(isinstance(event, WorkerDismissed) for event in events)
    assert [worker.activity for worker in progress.workers.values()] == ["idle"]


@pytest.mark.parametrize(("gpus", "per_gpu", "workers"), [(2, 1, 2), (2, 1, 1), (4, 1, 4), (2, 2, 4), (3, 2, 2)])
def test_a_retired_gpu_gets_no_more_pictures_and_healthy_ones_finish(
    tmp_path: Path, gpus: int, per_gpu: int, workers: int
) -> None:
    """Also if a picture kills workers on healthy GPUs: Ray then assigns the first free GPU, the broken one."""
    _, loop, events, statuses = run(tmp_path, gpus, per_gpu, {0}, workers, frozenset({"mug/scene020"}))
    assert not loop.untried
    assert sum(statuses.values()) == 24
    assert statuses["done"] >= 24 - 1 - MAX_DEVICE_LOSSES * per_gpu
    loads = sum(isinstance(event, WorkerLoaded) for event in events)
    assert loads <= workers + MAX_DEVICE_LOSSES * per_gpu + 3, "parked workers are not reported"
    assert sum(isinstance(event, Warned) and "GPU 0" in event.text for event in events) == 1


def test_without_a_healthy_gpu_the_run_ends(tmp_path: Path) -> None:
    with pytest.raises(NothingRenderedError, match="uncorrectable ECC"):
        run(tmp_path, 2, 1, {0, 1}, 2)


def test_more_variants_are_rendered_by_the_workers_that_have_the_model(tmp_path: Path) -> None:
    rounds = [tuple(map(variant, range(4, 9))), (variant(9),)]
    recorded: list[int] = []
    worker_pool, events = FakePool(2, 1, set(), frozenset()), list[Event]()
    results = RunResults(open_campaign(str(tmp_path), "spring"), MODEL)

    def more() -> tuple[Variant, ...]:
        recorded.append(len(results))
        return rounds.pop(0) if rounds else ()

    dispatcher = Dispatcher(map(variant, range(4)), 2, largest_group=2)
    DriverLoop(worker_pool, dispatcher, results, Deadlines(), events.append, gpus=2, more=more).run(2, lambda: False)  # type: ignore[arg-type]
    assert recorded == [4, 9, 10]
    assert sum(isinstance(event, WorkerLoaded) for event in events) == 2


class LoadingPool(FakePool):
    """Its workers' processes run at once, and load the model after that."""

    def _place(self) -> None:
        waiting = list(self._messages)
        super()._place()
        for worker, _ in list(self._messages)[len(waiting) :]:
            self._messages.appendleft((worker, WorkerRunning(worker, "node", "host")))


def test_it_is_told_that_workers_load_until_one_has_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "NOTICE_SECONDS", 0.0)
    worker_pool, events = LoadingPool(2, 1, set(), frozenset()), list[Event]()
    results = RunResults(open_campaign(str(tmp_path), "spring"), MODEL)
    dispatcher = Dispatcher([variant(number) for number in range(4)], 2, largest_group=2)
    watch = ClusterWatch(Demand(0, 1), lambda: Resources(2, 2), lambda resource: 0.0)
    loop = DriverLoop(worker_pool, dispatcher, results, Deadlines(), events.append, gpus=2, watch=watch)  # type: ignore[arg-type]
    loop.run(2, lambda: False)
    kinds = [type(event).__name__ for event in events]
    assert kinds[:5] == ["WorkerRunning", "WorkersPending", "WorkerRunning", "WorkersLoading", "WorkerLoaded"]
    assert [event for event in events if isinstance(event, WorkersLoading)] == [WorkersLoading(2, 0.0)]


class BrokenModelPool(FakePool):
    """A worker pool whose pictures of some variants are unusable."""

    def __init__(self, workers: int, unusable: set[int]) -> None:
        super().__init__(workers, 1, set(), frozenset())
        self._unusable = unusable

    def submit(self, worker: str, variants: tuple[Variant, ...], *_: object) -> None:
        for task in variants:
            self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            if task.seed in self._unusable:
                message = VariantRecorded(failed(task.seed, "the model returned NaN"), unusable=True)
                self._messages.append((worker, message))
            else:
                self._messages.append((worker, VariantRendered(task.render_key)))
                self._messages.append((worker, VariantRecorded(record(task.seed))))


def run_broken(folder: Path, unusable: set[int], variants: int = 24, workers: int = 1) -> RunResults:
    worker_pool = BrokenModelPool(workers, unusable)
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    dispatcher = Dispatcher(map(variant, range(variants)), workers, largest_group=2)
    loop = DriverLoop(worker_pool, dispatcher, results, Deadlines(), lambda event: None, broken_model="mend it")  # type: ignore[arg-type]
    loop.run(workers, lambda: False)
    return results


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_ends_if_the_first_pictures_are_all_unusable(tmp_path: Path, workers: int) -> None:
    expected = "the first 3 pictures failed: the model returned NaN; mend it"
    with pytest.raises(NothingRenderedError, match=expected):
        run_broken(tmp_path, set(range(24)), workers=workers)


def test_a_run_continues_after_one_usable_picture(tmp_path: Path) -> None:
    results = run_broken(tmp_path, set(range(24)) - {1})
    assert [record.status for record in results.others.values()] == ["failed"] * 23


def test_two_unusable_pictures_only_fail(tmp_path: Path) -> None:
    results = run_broken(tmp_path, {0, 1}, variants=2)
    assert (len(results.done), [record.status for record in results.others.values()]) == (0, ["failed", "failed"])


class FailingPool(FakePool):
    """A worker pool that fails variants of some reference sets; `lost` ends the worker instead."""

    def __init__(self, failing: set[str], *, lost: bool = False) -> None:
        super().__init__(1, 1, set(), frozenset())
        self._failing, self._lost = failing, lost
        self.attempts = 0

    def submit(self, worker: str, variants: tuple[Variant, ...], *_: object) -> None:
        for task in variants:
            self.attempts += 1
            self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            if task.references[0].sha256 not in self._failing:
                self._messages.append((worker, VariantRendered(task.render_key)))
                self._messages.append((worker, VariantRecorded(record(task.seed))))
            elif self._lost:
                self._messages.append((worker, WorkerLost(worker, f"its process {task.seed} died")))
                return
            else:
                self._messages.append((worker, VariantRecorded(failed(task.seed, f"{task.seed} tensors differ"))))


def run_failing(folder: Path, pool: FailingPool, count: int = 400) -> RunResults:
    """Runs variants of two reference sets, `a` and `b`, with one worker, which keeps to one set as long as it can."""
    references = {name: (Reference("product", name, Path(name), name),) for name in "ab"}
    variants = [replace(variant(n), references=references["a" if n < 3 * count // 4 else "b"]) for n in range(count)]
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    loop = DriverLoop(
        pool,  # type: ignore[arg-type]
        Dispatcher(variants, 1, largest_group=2),
        results,
        Deadlines(),
        lambda event: None,
        shared_cause=SharedCause(variants),
    )
    loop.run(1, lambda: False)
    return results


def test_a_cause_that_all_variants_share_ends_the_run(tmp_path: Path) -> None:
    pool = FailingPool({"a", "b"})
    with pytest.raises(NothingRenderedError, match="all for the same reason: 0 tensors differ; the run ends"):
        run_failing(tmp_path, pool)
    assert pool.attempts <= 100, "groups that were handed out before are the most that is lost"


def test_a_cause_that_ends_each_worker_ends_the_run(tmp_path: Path) -> None:
    pool = FailingPool({"a", "b"}, lost=True)
    with pytest.raises(NothingRenderedError, match="all for the same reason: its process 0 died; the run ends, and "):
        run_failing(tmp_path, pool)
    assert pool.attempts <= 100


def test_a_cause_of_one_reference_set_fails_only_its_variants(tmp_path: Path) -> None:
    results = run_failing(tmp_path, FailingPool({"a"}))
    assert (len(results.done), len(results.others)) == (100, 300)


def test_a_run_in_which_every_variant_was_tried_has_an_outcome(tmp_path: Path) -> None:
    assert len(run_failing(tmp_path, FailingPool({"a", "b"}), count=8).others) == 8


class InheritingPool(FakePool):
    """Finds the first 20 of 24 pictures in the store, and then renders, or fails for one cause."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(1, 1, set(), frozenset())
        self._fails = fails

    def submit(self, worker: str, variants: tuple[Variant, ...], maybe_delivered: frozenset[str]) -> None:
        for task in variants:
            assert task.render_key in maybe_delivered
            if task.seed >= 20:
                self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            failure = failed(task.seed, "no kernel image is available")
            is_broken = self._fails and task.seed >= 20
            self._messages.append((worker, VariantRecorded(failure if is_broken else record(task.seed, cost=2.0))))


def run_after_a_killed_one(folder: Path, pool: FakePool, count: int, budget: Budget | None = None) -> DriverLoop:
    variants = [variant(number) for number in range(count)]
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    dispatcher = Dispatcher(variants, 1, maybe_delivered=[one.render_key for one in variants])
    loop = DriverLoop(
        pool,  # type: ignore[arg-type]
        dispatcher,
        results,
        Deadlines(),
        lambda event: None,
        spending=Spending(budget, read_prices()),
        shared_cause=SharedCause(variants),
    )
    loop.run(1, lambda: False)
    assert loop._results is results
    return loop


def test_what_a_killed_run_has_delivered_costs_this_one_nothing(tmp_path: Path) -> None:
    loop = run_after_a_killed_one(tmp_path, InheritingPool(), 24, Budget(pictures=4))
    results, spending = loop._results, loop._spending
    assert spending is not None
    assert (len(results.done), loop.budget_reached, spending.spent.pictures, results.totals.cost) == (24, False, 4, 8.0)


def test_what_a_killed_run_has_delivered_does_not_show_that_this_one_can_render(tmp_path: Path) -> None:
    with pytest.raises(NothingRenderedError, match="all for the same reason: no kernel image is available"):
        run_after_a_killed_one(tmp_path, InheritingPool(fails=True), 400)


def run_with_spending(folder: Path, pool: FakePool, budget: Budget | None = None) -> tuple[DriverLoop, Spending]:
    spending, variants = Spending(budget, read_prices()), [variant(number) for number in range(24)]
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    loop = DriverLoop(pool, Dispatcher(variants, 1), results, Deadlines(), lambda event: None, spending=spending)  # type: ignore[arg-type]
    loop.run(1, lambda: False)
    return loop, spending


def test_pictures_that_are_given_up_count_for_the_budget(tmp_path: Path) -> None:
    killers = frozenset(variant(number).name for number in (0, 12))
    loop, spending = run_with_spending(tmp_path, FakePool(1, 1, set(), killers))
    assert (len(loop._results.done), len(loop._results.others), spending.spent.pictures) == (22, 2, 24)
    loop, spending = run_with_spending(tmp_path / "2", FakePool(1, 1, set(), killers), Budget(pictures=23))
    assert (len(loop._results), spending.spent.pictures, loop.budget_reached) == (23, 23, True)


class SlowlyLostPool(FakePool):
    """A worker pool whose workers are lost two minutes after their last message, and the first one while it loads.

    Its clock replaces that of the loop, so that the test takes no minutes.
    """

    def __init__(self, killers: frozenset[str]) -> None:
        super().__init__(1, 1, set(), killers)
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def _place(self) -> None:
        before = len(self._messages)
        super()._place()
        if self._count == 1 and len(self._messages) > before:
            worker, _ = self._messages.pop()
            self._messages.append((worker, WorkerRunning(worker, "node", "host")))
            self._messages.append((worker, WorkerLost(worker, "its process died")))

    def wait(self, seconds: float) -> list[tuple[str, tuple[Message, ...] | WorkerLost]]:
        arrived = super().wait(seconds)
        if any(isinstance(messages[0], WorkerLost) for _, messages in arrived if isinstance(messages, tuple)):
            self.now += 120.0
        return arrived


def test_the_time_of_lost_workers_counts_for_the_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is lost while it loads, and two while they render the last picture; the others load in a second each."""
    pool = SlowlyLostPool(frozenset({variant(23).name}))
    monkeypatch.setattr(driver_loop, "time", pool)
    _, spending = run_with_spending(tmp_path, pool)
    assert spending.spent.gpu_minutes == pytest.approx(3 * 2 + 2 / 60)


class RefusedPool(FakePool):
    """A hosted tier whose credits are used up after some pictures."""

    def __init__(self, credits: int) -> None:
        super().__init__(1, 1, set(), frozenset())
        self._credits = credits

    def submit(self, worker: str, variants: tuple[Variant, ...], *_: object) -> None:
        for task in variants:
            self._credits -= 1
            self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            answer = VariantRecorded(record(task.seed)) if self._credits >= 0 else None
            self._messages.append((worker, answer or RendererBlocked(task.render_key, "no credits left")))

    def stop(self) -> None:
        self._messages.append(("worker-0", WorkerLost("worker-0", "its messages ended", Loss.ENDED)))


def test_a_renderer_that_refuses_all_further_variants_ends_the_run(tmp_path: Path) -> None:
    """What it refused has no record, so that it doesn't count as an attempt."""
    folder, events = open_campaign(str(tmp_path), "spring"), list[Event]()
    results, variants = RunResults(folder, MODEL), [variant(number) for number in range(100)]
    loop = DriverLoop(RefusedPool(5), Dispatcher(variants, 1), results, Deadlines(), events.append)  # type: ignore[arg-type]
    loop.run(1, lambda: False)
    assert (loop.ended_early, len(results), len(results.done)) == ("no credits left", 5, 5)
    assert [event for event in events if isinstance(event, Stopping)] == [Stopping("no credits left")]
    assert list(folder.list("records/")) == []


class ConfusedPool(FakePool):
    """Answers for a picture that nobody asked for, and gets another picture's record for one that was asked for."""

    def submit(self, worker: str, variants: tuple[Variant, ...], *_: object) -> None:
        for task in variants:
            self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            self._messages.append((worker, VariantRecorded(record(999))))
            answer = record(500 if task.seed == 3 else task.seed)
            self._messages.append((worker, VariantRecorded(answer, expected_key=task.render_key)))


def test_answers_are_matched_to_what_was_handed_out(tmp_path: Path) -> None:
    variants, events = [variant(number) for number in range(6)], list[Event]()
    results = RunResults(open_campaign(str(tmp_path), "spring"), MODEL)
    pool = ConfusedPool(1, 1, set(), frozenset())
    loop = DriverLoop(pool, Dispatcher(variants, 1), results, Deadlines(), events.append)  # type: ignore[arg-type]
    loop.run(1, lambda: False)
    assert set(results.keys()) == {task.render_key for task in variants}
    (failed,) = results.others.values()
    assert failed.name == variant(3).name
    assert failed.cause is not None and failed.cause.startswith("the store has the record of another variant, ")
    ignored = [event.text for event in events if isinstance(event, Warned)]
    assert len(ignored) == 6
    assert f"worker-0 reported {record(999).name}, which it wasn't given; the report is ignored" in ignored
