"""The workers of one run, seen from the driver: start, replace, give work, hear what happens, end."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayError

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.events import Loaded, Lost, Message
from brandpress.pipeline.render.worker.actor import Worker, WorkerSettings

NODE_ANSWERS_SECONDS = 2.0
RAYS_PARTS = 10_000
"""Ray counts in so many parts of a GPU and rounds up: six times a sixth would be more than one."""

ACTOR_THREADS = 4
"""`events` for a worker's life, `submit` and `stop` beside it."""


class WorkerPool:
    """Actors without restarts and retries of Ray's own: what is done about a death is the driver's decision."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Each worker holds its part of a GPU and as much of a core, or its threads' share of the CPU."""
        on_gpu, part = settings.per_gpu > 0, RAYS_PARTS // max(1, settings.per_gpu) / RAYS_PARTS
        self._settings = settings
        self._actor: Any = ray.remote(Worker).options(
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=ACTOR_THREADS,
            num_gpus=part if on_gpu else 0,
            num_cpus=part if on_gpu else settings.threads,
        )
        self._started = 0
        self._workers: dict[str, tuple[Any, Any]] = {}
        self._nodes: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __contains__(self, worker: object) -> bool:
        return worker in self._workers

    def names(self) -> tuple[str, ...]:
        """The workers that there are."""
        return tuple(self._workers)

    def start(self) -> str:
        """Start a worker, which loads its model; returns its name."""
        name = f"worker-{self._started}"
        self._started += 1
        actor = self._actor.remote(self._settings)
        self._workers[name] = (actor, actor.events.options(num_returns="streaming").remote())
        return name

    def submit(self, worker: str, variants: tuple[Variant, ...]) -> None:
        """Queue a group at a worker. If the worker is dead, `wait` will tell."""
        self._workers[worker][0].submit.remote(variants)

    def wait(self, seconds: float) -> list[tuple[str, tuple[Message, ...] | Lost]]:
        """What happened, at most `seconds` from now; each worker that is lost is told of once and forgotten."""
        streams = {stream: name for name, (_, stream) in self._workers.items()}
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=seconds)
        more, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0)
        return [(streams[stream], self._next(streams[stream])) for stream in dict.fromkeys([*ready, *more])]

    def stop(self) -> None:
        """Ask all workers to begin no further picture and to end when theirs is delivered."""
        for actor, _ in self._workers.values():
            actor.stop.remote()

    def dismiss(self, worker: str) -> None:
        """End a worker at once, whatever it does."""
        actor, _ = self._workers.pop(worker)
        with suppress(RayError):
            ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """End all workers at once."""
        for worker in self.names():
            self.dismiss(worker)

    def _next(self, worker: str) -> tuple[Message, ...] | Lost:
        try:
            messages: tuple[Message, ...] = ray.get(next(self._workers[worker][1]))
            for message in messages:
                if isinstance(message, Loaded):
                    self._nodes[worker] = message.node
            return messages
        except StopIteration:
            self.dismiss(worker)
            return Lost("it ended", died=False)
        except OutOfMemoryError:
            cause = "its node ran out of memory"
        except RayError as error:
            cause = "its node ran out of memory" if "OOM" in type(error).__name__ else "its process died"
        self.dismiss(worker)
        node = self._nodes.get(worker)
        return Lost("its node is gone", node=True) if node and is_gone(node) else Lost(cause)


def is_gone(node: str) -> bool:
    """Whether a whole node of the cluster is, by Ray's id of it. Ray itself notices only seconds later."""
    found = next((one for one in ray.nodes() if one["NodeID"] == node), None)
    if found is None or not found["Alive"]:
        return True
    try:
        address = (found["NodeManagerAddress"], found["NodeManagerPort"])
        socket.create_connection(address, NODE_ANSWERS_SECONDS).close()
    except OSError:
        return True
    return False
