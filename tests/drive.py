"""A driver of its own process, for tests that kill it: renders a job with the stand-in and says what happens as JSON.

python -m tests.drive JOB [WORKERS [RENDERER]] [--deadline SECONDS] [--retry-failed]
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.cli.exit_codes import exit_code_of
from brandpress.pipeline.cli.report import outcome_json, outcome_lines
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    Stopping,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLost,
    WorkersStarting,
)
from tests.campaigns import plan_of


def say(kind: str, told: object) -> None:
    print(json.dumps({kind: told}), file=sys.__stdout__, flush=True)


def on_event(event: Event) -> None:
    match event:
        case Planned(todo=todo):
            say("todo", todo)
        case WorkersStarting():
            import ray

            say("addresses", [node["NodeManagerAddress"] for node in ray.nodes()])
        case Warned(text):
            say("warned", text)
        case VariantStarted(name=name):
            say("started", name)
        case VariantRecorded(record=record):
            say("recorded", record.name)
            say("host", record.host)
            if record.status == "done":
                say("done", record.name)
        case WorkerLost(cause=cause):
            say("lost", cause)
        case Stopping():
            say("stopping", True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("job", type=Path)
    parser.add_argument("workers", type=int, nargs="?")
    parser.add_argument("renderer", nargs="?", default="tests.stand_in:load")
    parser.add_argument("--deadline", type=float)
    parser.add_argument("--workers-per-gpu", type=int, default=1)
    parser.add_argument("--retry-failed", action="store_true")
    given = parser.parse_args()
    try:
        with redirect_stdout(sys.stderr):  # Ray tells of workers that are lost, on stdout
            outcome = render_campaign(
                plan_of(given.job),
                workers=given.workers,
                on_event=on_event,
                workers_per_gpu=given.workers_per_gpu,
                retry_failed=given.retry_failed,
                deadline=given.deadline,
                renderer=given.renderer,
            )
    except BrandpressError as error:
        say("error", str(error))
        sys.exit(exit_code_of(error))
    say("outcome", outcome_json(outcome))
    say("lines", list(outcome_lines(outcome)))
