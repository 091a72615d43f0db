"""A worker pool without Ray and processes, for the driver's decisions: which workers start, and what they are given."""

from __future__ import annotations

from collections import deque

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.events import Loss, Message, VariantRecorded, VariantStarted, WorkerLoaded, WorkerLost
from tests.pipeline.deliver.records import record

DEVICE_ERROR = "CUDA error: uncorrectable ECC error encountered"


class FakePool:
    """A worker pool that assigns the first GPU with room, as Ray does.

    broken: GPUs on which every picture ends the process. killers: pictures that end the process on any GPU.
    """

    def __init__(self, gpus: int, per_gpu: int, broken: set[int], killers: frozenset[str]) -> None:
        self._slots = [gpu for gpu in range(gpus) for _ in range(per_gpu)]
        self._broken, self._killers = broken, killers
        self._gpus: dict[str, int | None] = {}
        self._messages: deque[tuple[str, Message]] = deque()
        self.started: list[int] = []
        self.maybe_delivered: list[set[str]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._gpus)

    def __contains__(self, worker: object) -> bool:
        return worker in self._gpus

    def names(self) -> tuple[str, ...]:
        return tuple(self._gpus)

    def start(self) -> str:
        name = f"worker-{self._count}"
        self._count += 1
        assert self._count < 100, "workers are started endlessly"
        self._gpus[name] = None
        self._place()
        return name

    def _place(self) -> None:
        for name in [name for name, gpu in self._gpus.items() if gpu is None]:
            free = list(self._slots)
            for gpu in self._gpus.values():
                if gpu is not None:
                    free.remove(gpu)
            if free:
                self._gpus[name] = free[0]
                self.started.append(free[0])
                self._messages.append((name, WorkerLoaded(name, {"device": "TEST"}, 1.0, "node", str(free[0]))))

    def submit(self, worker: str, variants: tuple[Variant, ...], maybe_delivered: frozenset[str]) -> None:
        self.maybe_delivered.append({task.name for task in variants if task.render_key in maybe_delivered})
        for task in variants:
            self._messages.append((worker, VariantStarted(task.render_key, task.name)))
            if self._gpus[worker] in self._broken or task.name in self._killers:
                self._messages.append((worker, WorkerLost(worker, DEVICE_ERROR, Loss.FAILED)))
                return
            self._messages.append((worker, VariantRecorded(record(task.seed, timings={"model": 1.0}))))

    def wait(self, seconds: float) -> list[tuple[str, tuple[Message, ...] | WorkerLost]]:
        assert self._messages, "all workers wait, and no message is left"
        worker, message = self._messages.popleft()
        return [(worker, (message,))]

    def stop(self) -> None:
        pass

    def dismiss(self, worker: str) -> None:
        del self._gpus[worker]
        self._place()

    def park(self, worker: str) -> None:
        pass
