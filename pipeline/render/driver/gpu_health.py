"""Which GPUs of a run still get workers."""

from __future__ import annotations

from collections import Counter

MAX_DEVICE_LOSSES = 3
"""In a row on one GPU, without a picture in between. From then on the GPU is blamed, not the pictures."""


class GpuHealth:
    """Where each worker runs, and which GPUs are retired because their workers keep ending with device errors."""

    def __init__(self, gpus: int, per_gpu: int) -> None:
        """gpus: how many GPUs the workers have, each for `per_gpu` of them; 0: they render on CPUs."""
        self._gpus, self._per_gpu = gpus, per_gpu
        self._places: dict[str, tuple[str, str]] = {}  # worker -> (node, GPU)
        self._losses: Counter[tuple[str, str]] = Counter()
        self._retired: set[tuple[str, str]] = set()
        self._unknown_places = 0

    def resize(self, gpus: int) -> None:
        """The cluster has this many GPUs now; at least 1, for which the run waits."""
        self._gpus = max(1, gpus)

    def place(self, worker: str, node: str, gpu: str) -> None:
        """Notes where `worker` runs. gpu: empty if it isn't known."""
        self._places[worker] = (node, gpu)

    def is_retired(self, worker: str) -> bool:
        """Whether `worker` runs on a retired GPU."""
        return self._places.get(worker) in self._retired

    def reset_losses(self, worker: str) -> None:
        """Forgets the losses on the GPU of `worker`, which has rendered a picture."""
        self._losses[self._places[worker]] = 0

    def max_workers(self, workers: int) -> int:
        """Returns how many of a run's `workers` healthy GPUs have room for."""
        room = workers - self._unknown_places
        return min(room, (self._gpus - len(self._retired)) * self._per_gpu) if self._gpus else room

    def count_loss(self, worker: str) -> str | None:
        """Counts a device error of `worker`, and retires its GPU after MAX_DEVICE_LOSSES.

        If the GPU isn't known, the run continues with one worker less instead. Returns a warning for the user if the
        run will have fewer workers.
        """
        node, gpu = place = self._places[worker]
        self._losses[place] += 1
        if self._losses[place] < MAX_DEVICE_LOSSES or place in self._retired:
            return None
        if self._gpus and gpu:
            self._retired.add(place)
        else:
            self._unknown_places += 1
        where = f"GPU {gpu} of node {node}" if gpu else f"node {node}" if node else "this machine"
        return (
            f"no more workers are started on {where}: the last {MAX_DEVICE_LOSSES} ended with an error and rendered no "
            "picture; check the GPU with nvidia-smi and the kernel log (dmesg, Xid)"
        )
