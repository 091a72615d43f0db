"""Follows the cluster during a run: which workers wait for resources, how many would fit, and when to give up."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from brandpress.model.errors import RequestError
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.placement import Demand
from brandpress.pipeline.render.events import WorkersPending

GROW_SECONDS = 5.0
"""How often the cluster is asked for its GPUs."""

TIMEOUT = "BRANDPRESS_RESOURCE_TIMEOUT"
"""Environment variable: after how many seconds without a worker the run ends; default: never."""


def resource_timeout() -> float:
    """Returns the value of BRANDPRESS_RESOURCE_TIMEOUT in seconds; infinite if unset. Raises RequestError."""
    text = os.environ.get(TIMEOUT, "").strip()
    if not text:
        return math.inf
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise RequestError(f"{TIMEOUT}: {text!r} is no time; allowed: a number of seconds above 0")
    return seconds


@dataclass
class ClusterWatch:
    """The cluster as a run sees it.

    demand: what each worker reserves. resources: returns what the cluster offers. free: returns how much of a resource
    nobody uses. grows: workers are added as GPUs join, and removed as they go. timeout: seconds without any worker
    after which the run ends.
    """

    demand: Demand
    resources: Callable[[], Resources]
    free: Callable[[str], float]
    grows: bool = False
    timeout: float = math.inf
    _next_look: float = field(default=0.0, init=False)

    def room(self, now: float) -> int | None:
        """Returns how many GPUs the cluster has, every few seconds; None in between, and if the run doesn't grow."""
        if not self.grows or now < self._next_look:
            return None
        self._next_look = now + GROW_SECONDS
        return self.resources().gpus

    def pending_event(self, workers: int) -> WorkersPending:
        """Returns the event that this many workers are pending."""
        resources = self.resources()
        return WorkersPending(
            workers,
            self.demand.resource,
            requested=round(workers * self.demand.amount, 4),
            free=round(self.free(self.demand.resource), 4),
            total=resources.gpus if self.demand.gpus else resources.cpus,
        )
