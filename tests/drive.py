"""A driver to run in a separate process, for tests that kill it: renders a job and prints its events as JSON lines.

python -m tests.drive JOB [WORKERS [RENDERER]] [--deadline SECONDS] [--retry-failed]
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.cli.exit_codes import error_exit_code
from brandpress.pipeline.cli.json_output import outcome_json
from brandpress.pipeline.cli.text import outcome_lines
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    Stopping,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.pending import describe_pending
from brandpress.pipeline.review.picture_gate import CampaignGate
from tests.campaigns import plan_of


def emit(kind: str, value: object) -> None:
    """Print one event as a JSON line on the real stdout, which `redirect_stdout` doesn't affect."""
    print(json.dumps({kind: value}), file=sys.__stdout__, flush=True)


def on_event(event: Event) -> None:
    """Emit the events that tests wait for."""
    match event:
        case Planned(todo=todo):
            emit("todo", todo)
        case WorkersStarting(workers=workers, gpus=gpus, threads=threads):
            import ray

            emit("starting", [workers, gpus, threads])

            emit("addresses", [node["NodeManagerAddress"] for node in ray.nodes()])
        case WorkersPending():
            emit("pending", describe_pending(event))
        case WorkerLoaded(worker=worker):
            emit("loaded", worker)
        case Warned(text):
            emit("warned", text)
        case VariantStarted(name=name):
            emit("started", name)
        case VariantRecorded(record=record):
            emit("recorded", record.name)
            emit("host", record.host)
            if record.status == "done":
                emit("done", record.name)
        case WorkerLost(cause=cause):
            emit("lost", cause)
        case Stopping():
            emit("stopping", True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("workers", type=int, nargs="?")
    parser.add_argument("renderer", nargs="?", default="tests.stand_in:load")
    parser.add_argument("--deadline", type=float)
    parser.add_argument("--workers-per-gpu", type=int, default=1)
    parser.add_argument("--retry-failed", action="store_true")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--join", action="store_true")
    options = parser.parse_args()
    try:
        with redirect_stdout(sys.stderr):  # Ray reports lost workers on stdout
            plan = plan_of(options.job)
            outcome = render_campaign(
                plan,
                gate=CampaignGate.of(plan),
                workers=options.workers,
                on_event=on_event,
                workers_per_gpu=options.workers_per_gpu,
                retry_failed=options.retry_failed,
                deadline=options.deadline,
                renderer=options.renderer,
                join=options.join,
                limit=options.limit,
            )
    except BrandpressError as error:
        emit("error", str(error))
        sys.exit(error_exit_code(error))
    emit("outcome", outcome_json(outcome))
    emit("lines", list(outcome_lines(outcome)))
