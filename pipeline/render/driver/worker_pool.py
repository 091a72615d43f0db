"""The workers of one run as the driver sees them: start, submit, wait, stop, dismiss."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.events import Loss, Message, WorkerLoaded, WorkerLost
from brandpress.pipeline.render.worker.actor import Worker, WorkerSettings

NODE_TIMEOUT_SECONDS = 2.0
RAY_GPU_UNITS = 10_000
"""Ray counts GPUs in ten-thousandths and rounds up, so six times a sixth would exceed one GPU."""

ACTOR_THREADS = 4
"""`events` occupies one for the worker's life; `submit` and `stop` run beside it."""


class WorkerPool:
    """Ray actors without Ray's own restarts and retries: the driver decides what to do about a lost worker."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Each worker reserves its share of a GPU and the same share of a core, or its threads of the CPU."""
        on_gpu, share = settings.per_gpu > 0, RAY_GPU_UNITS // max(1, settings.per_gpu) / RAY_GPU_UNITS
        self._settings = settings
        self._actor_class: Any = ray.remote(Worker).options(
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=ACTOR_THREADS,
            num_gpus=share if on_gpu else 0,
            num_cpus=share if on_gpu else settings.threads,
        )
        self._started = 0
        self._workers: dict[str, tuple[Any, Any]] = {}  # name -> (actor, stream of its messages)
        self._nodes: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __contains__(self, worker: object) -> bool:
        return worker in self._workers

    def names(self) -> tuple[str, ...]:
        """The names of all workers."""
        return tuple(self._workers)

    def start(self) -> str:
        """Starts a worker, which loads its model, and returns its name."""
        name = f"worker-{self._started}"
        self._started += 1
        actor = self._actor_class.remote(name, self._settings)
        self._workers[name] = (actor, actor.events.options(num_returns="streaming").remote())
        return name

    def submit(self, worker: str, variants: tuple[Variant, ...]) -> None:
        """Queues a group at a worker. If the worker is dead, `wait` reports it."""
        self._workers[worker][0].submit.remote(variants)

    def wait(self, seconds: float) -> list[tuple[str, tuple[Message, ...] | WorkerLost]]:
        """Returns messages by worker, after at most `seconds`. A lost worker is reported once and removed."""
        streams = {stream: name for name, (_, stream) in self._workers.items()}
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=seconds)
        more, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0)
        return [(streams[stream], self._receive(streams[stream])) for stream in dict.fromkeys([*ready, *more])]

    def stop(self) -> None:
        """Asks all workers to start no more pictures, and to end when the current ones are delivered."""
        for actor, _ in self._workers.values():
            actor.stop.remote()

    def dismiss(self, worker: str) -> None:
        """Kills a worker and removes it."""
        actor, _ = self._workers.pop(worker)
        with suppress(RayError):
            ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """Kills all workers."""
        for worker in self.names():
            self.dismiss(worker)

    def _receive(self, worker: str) -> tuple[Message, ...] | WorkerLost:
        try:
            messages: tuple[Message, ...] = ray.get(next(self._workers[worker][1]))
            for message in messages:
                if isinstance(message, WorkerLoaded):
                    self._nodes[worker] = message.node
            return messages
        except StopIteration:
            self.dismiss(worker)
            return WorkerLost(worker, "it ended", Loss.ENDED)
        except OutOfMemoryError:
            cause = "its node ran out of memory"
        except RayError as error:
            cause = "its node ran out of memory" if "OOM" in type(error).__name__ else "its process died"
        self.dismiss(worker)
        node = self._nodes.get(worker)
        if node and is_node_lost(node):
            return WorkerLost(worker, "its node is gone", Loss.NODE_LOST)
        return WorkerLost(worker, cause)


def is_node_lost(node: str) -> bool:
    """Whether a node of the cluster (Ray's id) is gone. Connects to it, because Ray notices only seconds later."""
    info = next((entry for entry in ray.nodes() if entry["NodeID"] == node), None)
    if info is None or not info["Alive"]:
        return True
    try:
        address = (info["NodeManagerAddress"], info["NodeManagerPort"])
        socket.create_connection(address, NODE_TIMEOUT_SECONDS).close()
    except OSError:
        return True
    return False
