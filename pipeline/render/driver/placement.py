"""What workers ask Ray for: GPUs or CPUs, how many, and where there is room for them. No Ray here."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.family import NANO
from brandpress.model.memory.gpus import visible_entries
from brandpress.model.memory.weight_bytes import weight_bytes

TOY_PARAMETERS = 500_000_000
"""A transformer of fewer weights renders on a CPU in a bearable time. [klein] 4B has 4 billion."""

RAY_GPU_UNITS = 10_000
"""Ray counts GPUs in ten-thousandths and rounds up, so six times a sixth would exceed one GPU."""


class Offer(Protocol):
    """What `Resources` says about GPUs."""

    @property
    def gpus(self) -> int:
        """How many GPUs there are now."""

    @property
    def shared(self) -> bool:
        """Whether it's a cluster, to which nodes may be added."""


@dataclass(frozen=True, slots=True)
class Node:
    """What one machine of a cluster offers."""

    cpus: float
    gpus: float = 0.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What one worker reserves on its node."""

    cpus: float
    gpus: float = 0.0

    @property
    def resource(self) -> str:
        """Ray's name of the resource that is scarce."""
        return "GPU" if self.gpus else "CPU"

    @property
    def amount(self) -> float:
        """How much of it a worker reserves."""
        return self.gpus or self.cpus

    def bundle(self) -> dict[str, float]:
        """The demand as Ray and its autoscaler take it."""
        return {name: amount for name, amount in (("CPU", self.cpus), ("GPU", self.gpus)) if amount}


def is_toy(model: ModelDescription) -> bool:
    """Whether the model is small enough to render on a CPU without a second thought.

    True as well if its weights can't be read: loading it tells why, and need not wait for a GPU.
    """
    if model.family == NANO.name or model.parts is None:
        return model.family == NANO.name
    try:
        return weight_bytes(open_weights(model.parts.transformer), 1) < TOY_PARAMETERS
    except CheckpointError:
        return True


def wants_gpus(model: ModelDescription, offer: Offer, *, cpu: bool) -> bool:
    """Whether workers ask for GPUs: if there are any, and on a cluster also if there are none yet, unless the model is
    a toy, because its autoscaler starts a node with a GPU only if somebody asks for it."""
    if model.hosted or cpu:
        return False
    return offer.gpus > 0 or (offer.shared and not is_toy(model))


def cpu_warning(model: ModelDescription, offer: Offer, *, cpu: bool) -> str | None:
    """Returns a warning if a model that isn't a toy is about to render on this machine's CPU; None if it's intended."""
    hidden = visible_entries(os.environ) == ()
    if model.hosted or cpu or hidden or offer.gpus or offer.shared or is_toy(model):
        return None
    return (
        f"this machine has no GPU, so {model.name} renders on its CPU, which takes minutes to hours per picture; "
        "use --cpu if that is intended, or set RAY_ADDRESS to a cluster with GPUs"
    )


def demand_of(nodes: Sequence[Node], *, per_gpu: int, threads: int) -> Demand:
    """Returns what each worker reserves: its share of a GPU and the same share of a core, or `threads` cores.

    per_gpu: how many workers share a GPU; 0: they use CPUs. A GPU's worker reserves no core if a node has more GPUs
    than cores, because Ray would leave GPUs idle.
    """
    if not per_gpu:
        return Demand(cpus=threads)
    share = RAY_GPU_UNITS // per_gpu / RAY_GPU_UNITS
    scarce = any(node.gpus > node.cpus for node in nodes)
    return Demand(cpus=0.0 if scarce else share, gpus=share)


def largest_share(nodes: Sequence[Node], workers: int) -> int:
    """Returns how many cores each of `workers` can have so that Ray can place them all; at least 1.

    A worker doesn't span nodes: three workers on two nodes of three cores each get one core, not two.
    """
    cores = [int(node.cpus) for node in nodes]
    for share in range(max(cores, default=1), 1, -1):
        if sum(node_cores // share for node_cores in cores) >= workers:
            return share
    return 1


def gpu_threads(nodes: Sequence[Node], per_gpu: int) -> int:
    """Returns the CPU threads of each worker on a GPU: its share of the cores of the node with the fewest per GPU."""
    return max(1, min((int(node.cpus // (node.gpus * per_gpu)) for node in nodes if node.gpus), default=1))
