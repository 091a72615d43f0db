"""The commands of the three ways of use: schedule, submit and its companions, regenerate.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from brandpress.pipeline.cli.exit_codes import ANOTHER_RUN, BROKEN, FAILED, INTERRUPTED, INVALID, OK
from brandpress.pipeline.cli.options import Deliver, Json

Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Jobs, and folders with jobs.", show_default=False)]
Once = Annotated[bool, typer.Option("--once", help="Do what is due now, and exit.")]
ListNext = Annotated[bool, typer.Option("--list", help="Only show when each job is due, and its last run.")]

SEVERITY = (FAILED, BROKEN, INVALID, ANOTHER_RUN)


def schedule_jobs(
    paths: Paths, deliver: Deliver = None, once: Once = False, list_only: ListNext = False, as_json: Json = False
) -> int:
    """Render jobs when their `schedule:` says so. Runs until it's stopped; any number can be at work."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.schedule_output import event_line, upcoming_json, upcoming_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.render.driver.interrupt import stop_signal
    from brandpress.pipeline.run.scheduled_jobs import load_scheduled
    from brandpress.pipeline.run.scheduler import ScheduleEvent, Scheduler, upcoming, utc_now

    if as_json and not list_only:
        raise typer.BadParameter("--json needs --list")
    if list_only:
        jobs = load_scheduled(paths, deliver)
        now = utc_now()
        entries = upcoming(jobs.jobs, now)
        if as_json:
            print_json(upcoming_json(entries, now))
        else:
            print_lines(upcoming_lines(entries, now))
        print_lines(map(str, jobs.problems), sys.stderr)
        return INVALID if jobs.problems else OK

    def show(event: ScheduleEvent) -> None:
        typer.echo(event_line(event, utc_now()), err=True)

    with stop_signal() as stop:

        def wait(seconds: float) -> None:
            end = time.monotonic() + seconds
            while not stop.received and (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.5))

        scheduler = Scheduler(paths, deliver, on_event=show, stopping=lambda: stop.received, wait=wait)
        if not once:
            scheduler.run()
            return INTERRUPTED
        codes = scheduler.run_once()
    return next((code for code in SEVERITY if code in codes), OK if not any(codes) else max(codes))
