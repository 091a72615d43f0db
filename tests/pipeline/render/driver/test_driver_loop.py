"""The driver's loop over workers of its own making: which GPUs they come to, and what is done where one is broken."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DEVICE_LOSSES_ALLOWED, DriverLoop
from brandpress.pipeline.render.driver.outcome import NothingRenderedError
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import (
    Broken,
    Event,
    Loaded,
    Lost,
    Message,
    Recorded,
    Started,
    Warned,
    WorkerLoaded,
)
from brandpress.pipeline.store.folder import open_campaign
from tests.pipeline.deliver.records import MODEL, record, variant

GONE = Cause("CUDA error: uncorrectable ECC error encountered")


class Gpus:
    """A crew whose workers come to the first GPU that has room, as Ray's do. broken: GPUs on which every picture ends
    the process. killers: pictures that end it anywhere."""

    def __init__(self, gpus: int, per_gpu: int, broken: set[int], killers: frozenset[str]) -> None:
        self._slots = [gpu for gpu in range(gpus) for _ in range(per_gpu)]
        self._broken, self._killers = broken, killers
        self._held: dict[str, int | None] = {}
        self._said: deque[tuple[str, Message | Lost]] = deque()
        self.started: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, worker: object) -> bool:
        return worker in self._held

    def names(self) -> tuple[str, ...]:
        return tuple(self._held)

    def start(self) -> str:
        name = f"worker-{self._count}"
        self._count += 1
        assert self._count < 100, "workers are started for ever"
        self._held[name] = None
        self._place()
        return name

    def _place(self) -> None:
        for name in [name for name, gpu in self._held.items() if gpu is None]:
            free = list(self._slots)
            for gpu in self._held.values():
                if gpu is not None:
                    free.remove(gpu)
            if free:
                self._held[name] = free[0]
                self.started.append(free[0])
                self._said.append((name, Loaded({"device": "TEST"}, 1.0, "node", str(free[0]))))

    def submit(self, worker: str, variants: tuple[Variant, ...]) -> None:
        for one in variants:
            self._said.append((worker, Started(one.render_key)))
            if self._held[worker] in self._broken or one.name in self._killers:
                self._said.append((worker, Broken(GONE)))
                return
            self._said.append((worker, Recorded(record(one.seed, timings={"model": 1.0}))))

    def wait(self, seconds: float) -> list[tuple[str, tuple[Message, ...] | Lost]]:
        assert self._said, "all workers wait, and nobody says anything"
        worker, said = self._said.popleft()
        return [(worker, said if isinstance(said, Lost) else (said,))]

    def stop(self) -> None:
        pass

    def dismiss(self, worker: str) -> None:
        del self._held[worker]
        self._place()


def run(
    folder: Path, gpus: int, per_gpu: int, broken: set[int], workers: int, killers: frozenset[str] = frozenset()
) -> tuple[Gpus, DriverLoop, list[Event], dict[str, int]]:
    """Also the records' statuses, counted."""
    variants = [variant(number) for number in range(24)]
    worker_pool, events = Gpus(gpus, per_gpu, broken, killers), list[Event]()
    results = RunResults(open_campaign(str(folder), "spring"), MODEL)
    dispatcher = Dispatcher(variants, workers, largest_group=2)
    shift = DriverLoop(worker_pool, dispatcher, results, Deadlines(), events.append, gpus=gpus, per_gpu=per_gpu)  # type: ignore[arg-type]
    shift.run(workers, lambda: False)
    statuses = [one.status for one in results.records.values()]
    return worker_pool, shift, events, {status: statuses.count(status) for status in set(statuses)}


@pytest.mark.parametrize(("gpus", "per_gpu", "workers"), [(2, 1, 2), (2, 1, 1), (4, 1, 4), (2, 2, 4), (3, 2, 2)])
def test_a_retired_gpu_gets_no_more_pictures_and_a_healthy_one_finishes(
    tmp_path: Path, gpus: int, per_gpu: int, workers: int
) -> None:
    """Also where a picture ends the workers of the healthy ones, whose places are free then beside the retired one's:
    Ray gives out the first GPU first, which is the broken one."""
    _, shift, events, statuses = run(tmp_path, gpus, per_gpu, {0}, workers, frozenset({"mug/scene020"}))
    assert not shift.untried
    assert sum(statuses.values()) == 24
    assert statuses["done"] >= 24 - 1 - DEVICE_LOSSES_ALLOWED * per_gpu
    loads = sum(isinstance(event, WorkerLoaded) for event in events)
    assert loads <= workers + DEVICE_LOSSES_ALLOWED * per_gpu + 3, "parked workers are not told of"
    assert sum(isinstance(event, Warned) and "GPU 0" in event.text for event in events) == 1


def test_without_a_healthy_gpu_the_run_ends(tmp_path: Path) -> None:
    with pytest.raises(NothingRenderedError, match="uncorrectable ECC"):
        run(tmp_path, 2, 1, {0, 1}, 2)
