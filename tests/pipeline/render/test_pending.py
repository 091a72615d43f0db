"""What is said about workers that wait."""

from __future__ import annotations

import pytest

from brandpress.pipeline.render.events import WorkersPending
from brandpress.pipeline.render.pending import describe_pending, describe_starved

WAITING = "waiting for resources:"
STARTING = "the workers' processes are starting"
NO_NODE = "; probably no single node has room for one"


@pytest.mark.parametrize(
    ("pending", "described", "starved"),
    [
        (WorkersPending(1, "GPU", 1, 0, 1), f"{WAITING} 1 GPU requested, 0 of 1 free", ""),
        (WorkersPending(3, "GPU", 1.5, 0.5, 2), f"{WAITING} 1.5 GPUs requested, 0.5 of 2 free", NO_NODE),
        (WorkersPending(1, "CPU", 1, 1, 2), STARTING, f"{WAITING} 1 CPU requested, 1 of 2 free{NO_NODE}"),
    ],
)
def test_enough_resources_are_not_waited_for(pending: WorkersPending, described: str, starved: str) -> None:
    assert describe_pending(pending) == described
    assert describe_starved(pending) == (starved if described == STARTING else described + starved)
