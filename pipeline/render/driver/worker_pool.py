"""The workers of one run as the driver sees them: start, submit, wait, stop, dismiss."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.placement import RAY_GPU_UNITS as RAY_GPU_UNITS
from brandpress.pipeline.render.driver.placement import Demand
from brandpress.pipeline.render.driver.ray_errors import is_missing_module, loss_text
from brandpress.pipeline.render.events import Loss, Message, WorkerLoaded, WorkerLost, WorkerRunning
from brandpress.pipeline.render.worker.actor import Worker, WorkerSettings

NODE_TIMEOUT_SECONDS = 2.0
MAX_ROUNDS = 1_000
"""Of one `wait`, which receives everything that has arrived, but returns if workers never cease to report."""

ACTOR_THREADS = 4
"""`events` occupies one for the worker's life; `running`, `submit` and `stop` run beside it."""

Received = tuple[Message, ...] | WorkerLost


class WorkerPool:
    """Ray actors without Ray's own restarts and retries: the driver decides what to do about a lost worker."""

    def __init__(self, settings: WorkerSettings, demand: Demand) -> None:
        """demand: what each worker reserves."""
        self._settings = settings
        self._actor_class: Any = ray.remote(Worker).options(
            max_restarts=0,
            max_task_retries=0,
            max_concurrency=ACTOR_THREADS,
            num_gpus=demand.gpus,
            num_cpus=demand.cpus,
        )
        self._started = 0
        self._workers: dict[str, tuple[Any, Any]] = {}  # name -> (actor, stream of its messages; None if it's parked)
        self._calls: dict[Any, str] = {}  # result of `running` or `submit` -> worker
        self._losses: dict[str, WorkerLost] = {}  # reported by the next `wait`, after the messages before them
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
        self._calls[actor.running.remote()] = name
        return name

    def submit(self, worker: str, variants: tuple[Variant, ...], maybe_delivered: frozenset[str] = frozenset()) -> None:
        """Queues a group at a worker. If the worker is dead or can't take it, `wait` reports it.

        maybe_delivered: see `RenderLoop`.
        """
        self._calls[self._workers[worker][0].submit.remote(variants, maybe_delivered)] = worker

    def wait(self, seconds: float) -> list[tuple[str, Received]]:
        """Returns everything that workers have sent, after at most `seconds`. A lost worker is reported once, after its
        last messages, and removed."""
        received = self._report_losses()
        listened = [*self._streams(), *self._calls]
        if not listened:
            time.sleep(0 if received else seconds)
        elif not received:
            ray.wait(listened, num_returns=1, timeout=seconds)
        for _ in range(MAX_ROUNDS):
            batches = self._receive_available()
            if not batches:
                break
            received += batches
        return received or self._report_losses()

    def stop(self) -> None:
        """Asks all workers to start no more pictures, and to end when the current ones are delivered."""
        for actor, _ in self._workers.values():
            actor.stop.remote()

    def park(self, worker: str) -> None:
        """Keeps a worker's process, and so its place on its node, but listens to it no more."""
        self._workers[worker] = (self._workers[worker][0], None)
        self._forget_calls(worker)

    def dismiss(self, worker: str) -> None:
        """Kills a worker and removes it."""
        actor, _ = self._workers.pop(worker)
        self._forget_calls(worker)
        with suppress(RayError):
            ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """Kills all workers."""
        for worker in self.names():
            self.dismiss(worker)

    def _forget_calls(self, worker: str) -> None:
        self._losses.pop(worker, None)
        self._calls = {call: name for call, name in self._calls.items() if name != worker}

    def _streams(self) -> dict[Any, str]:
        """The streams of messages that haven't ended yet, with their workers."""
        return {
            stream: name
            for name, (_, stream) in self._workers.items()
            if stream is not None and name not in self._losses
        }

    def _receive_available(self) -> list[tuple[str, Received]]:
        """Returns one batch of each worker that has sent one. Losses wait in `_losses` for the next `wait`."""
        batches: list[tuple[str, Received]] = []
        for call in _ready([*self._calls]):
            self._receive_call(call, self._calls.pop(call), batches)
        streams = self._streams()
        for stream in _ready([*streams]):
            messages = self._receive_batch(streams[stream], stream)
            if messages:
                batches.append((streams[stream], messages))
        return batches

    def _receive_call(self, call: Any, worker: str, batches: list[tuple[str, Received]]) -> None:
        """Takes the result of `running` or `submit`. If the process is dead, the stream of its messages tells why."""
        try:
            result = ray.get(call)
        except RayTaskError as error:
            self._losses.setdefault(worker, WorkerLost(worker, loss_text(error)))
        except RayError:
            pass
        else:
            if isinstance(result, WorkerRunning):
                self._nodes[worker] = result.node
                batches.append((worker, (result,)))

    def _receive_batch(self, worker: str, stream: Any) -> tuple[Message, ...]:
        """Returns a worker's next messages; none if it's lost."""
        try:
            messages: tuple[Message, ...] = ray.get(next(stream))
        except StopIteration:
            self._losses[worker] = WorkerLost(worker, "it ended", Loss.ENDED)
        except RayError as error:
            loss = Loss.NODE_UNFIT if is_missing_module(error) else Loss.DIED
            self._losses[worker] = WorkerLost(worker, loss_text(error), loss)
        else:
            for message in messages:
                if isinstance(message, WorkerLoaded):
                    self._nodes[worker] = message.node
            return messages
        return ()

    def _report_losses(self) -> list[tuple[str, Received]]:
        losses, self._losses = self._losses, {}
        reported: list[tuple[str, Received]] = []
        for worker, lost in losses.items():
            self.dismiss(worker)
            node = self._nodes.get(worker)
            gone = lost.loss is Loss.DIED and node and is_node_lost(node)
            reported.append((worker, WorkerLost(worker, "its node is gone", Loss.NODE_LOST) if gone else lost))
        return reported


def _ready(references: list[Any]) -> list[Any]:
    """Returns those that have a result, without waiting."""
    return list(ray.wait(references, num_returns=len(references), timeout=0)[0]) if references else []


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
