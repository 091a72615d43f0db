"""A driver of its own process, for tests that kill it: renders a job with the stand-in and says what happens as JSON.

python -m tests.drive JOB [WORKERS [RENDERER]]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pipeline.render.events import Event, Planned, Stopping, VariantRecorded, VariantStarted, WorkersStarting
from pipeline.render.run import render_campaign
from pipeline.report import outcome_json, outcome_lines
from tests.campaigns import plan_of


def say(kind: str, told: object) -> None:
    print(json.dumps({kind: told}), flush=True)


def on_event(event: Event) -> None:
    match event:
        case Planned(todo=todo):
            say("todo", todo)
        case WorkersStarting():
            import ray

            say("addresses", [node["NodeManagerAddress"] for node in ray.nodes()])
        case VariantStarted(name=name):
            say("started", name)
        case VariantRecorded(record=record):
            say("recorded", record.name)
        case Stopping():
            say("stopping", True)


if __name__ == "__main__":
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else None
    renderer = sys.argv[3] if len(sys.argv) > 3 else "tests.stand_in:load"
    outcome = render_campaign(plan_of(Path(sys.argv[1])), workers=workers, on_event=on_event, renderer=renderer)
    say("outcome", outcome_json(outcome))
    say("lines", list(outcome_lines(outcome)))
