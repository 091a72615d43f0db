"""Renders a campaign on a cluster of two nodes, kills one of them, and prints the events as JSON lines.

python -m tests.two_nodes JOB RENDERER
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ray.cluster_utils import Cluster

from brandpress.model import Renderer
from brandpress.model.request import RendererProtocol
from brandpress.pipeline.cli.json_output import outcome_json
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import Event, VariantRecorded, VariantStarted, WorkerLoaded, WorkerLost
from tests.campaigns import plan_of
from tests.drive import emit
from tests.ray_nodes import BUSY
from tests.stand_in import load, wait_for_workers

RECORDS_BEFORE_KILL = 4
WORKERS = 2


def load_model(base: str, **options: Any) -> RendererProtocol:
    """Returns the real model once both workers have loaded it, so that a slow start leaves no worker without work."""
    renderer = Renderer.load(base, **options)
    wait_for_workers(WORKERS)
    return renderer


def load_stand_in(base: str, **options: Any) -> RendererProtocol:
    """Returns the stand-in once both workers have loaded it."""
    wait_for_workers(WORKERS)
    return load(base, **options)


def main(job: Path, renderer: str) -> None:
    """Render `job` with one worker on each node, and remove one node once both workers have rendered."""
    os.environ.update(BUSY)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(WORKERS)]
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    workers: set[str] = set()
    recorded = 0

    def on_event(event: Event) -> None:
        nonlocal recorded
        match event:
            case WorkerLoaded(worker=worker):
                workers.add(worker)
            case VariantStarted(name=name):
                emit("started", name)
            case WorkerLost(cause=cause):
                emit("lost", cause)
            case VariantRecorded(record=record):
                emit("recorded", [record.name, record.status, record.attempts])
                recorded += 1
                if recorded >= RECORDS_BEFORE_KILL and len(workers) == WORKERS and nodes:
                    emit("killed", "a node")
                    cluster.remove_node(nodes.pop(), allow_graceful=False)
                    nodes.clear()

    with redirect_stdout(sys.stderr):  # Ray reports the lost node on stdout
        outcome = render_campaign(plan_of(job), workers=WORKERS, on_event=on_event, renderer=renderer)
    emit("outcome", outcome_json(outcome))
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
