"""The events of `schedule` on stderr: as lines of text, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

from brandpress.pipeline.cli.exit_codes import ANOTHER_RUN, OK
from brandpress.pipeline.cli.log_json import Level, print_log
from brandpress.pipeline.cli.log_options import LogFormat, LogOptions
from brandpress.pipeline.cli.progress_lines import time_stamp
from brandpress.pipeline.cli.schedule_output import minute, result
from brandpress.pipeline.cli.text import duration, printable
from brandpress.pipeline.run.scheduled_jobs import ScheduledJob, nothing_scheduled
from brandpress.pipeline.run.scheduler import (
    Ended,
    Idle,
    NothingScheduled,
    NotStarted,
    ScheduleEvent,
    Started,
    Unavailable,
)


def shown_events(options: LogOptions, *, on_terminal: bool | None = None) -> Callable[[ScheduleEvent], None]:
    """Returns the function that shows events on stderr. With `--quiet`, only what an operator should look at.

    on_terminal: whether somebody is watching; default: whether stderr is a terminal. Otherwise cron would send a mail
    each time that there is nothing to start.
    """
    watched = sys.stderr.isatty() if on_terminal is None else on_terminal

    def show(event: ScheduleEvent) -> None:
        level = level_of(event)
        if options.quiet and level == "info":
            return
        if isinstance(event, Idle) and options.format is LogFormat.TEXT and not watched:
            return
        if options.format is LogFormat.JSON:
            print_log(level, name_of(event), event_text(event), **fields_of(event))
        else:
            typer.echo(f"{time_stamp()} {event_text(event)}", err=True)

    return show


def event_text(event: ScheduleEvent) -> str:
    """Returns an event as a line of text."""
    match event:
        case Started(job, due, missed, attempt):
            late = f", missed at {minute(due)}" if missed else ""
            again = f", attempt {attempt}" if attempt > 1 else ""
            text = f"{job.path}: rendering {job.target.campaign}{late}{again}"
        case Ended(job, _, exit_code, took):
            text = f"{job.path}: {result(exit_code)} after {duration(took.total_seconds())}"
        case NotStarted(job, cause):
            text = f"{job.path}: rendering couldn't be started: {cause}"
        case Unavailable(job, cause):
            text = f"{job.path}: {cause}"
        case NothingScheduled(paths, files):
            text = nothing_scheduled(paths, files)
        case Idle(following):
            text = f"nothing to start; the next run is due at {minute(following)}"
        case _:
            text = str(event)
    return printable(text)


def level_of(event: ScheduleEvent) -> Level:
    """How much an event matters."""
    match event:
        case Ended(exit_code=exit_code):
            return "info" if exit_code in (OK, ANOTHER_RUN) else "error"
        case NotStarted() | Unavailable() | NothingScheduled():
            return "warning"
        case Started() | Idle():
            return "info"
        case _:
            return "error"


def name_of(event: ScheduleEvent) -> str:
    """The event's name in the log."""
    match event:
        case Started():
            return "run_started"
        case Ended():
            return "run_ended"
        case NotStarted():
            return "run_not_started"
        case Unavailable():
            return "store_unavailable"
        case Idle():
            return "nothing_to_start"
        case NothingScheduled():
            return "nothing_scheduled"
        case _:
            return "invalid_job"


def fields_of(event: ScheduleEvent) -> dict[str, Any]:
    """The event's own fields in the log."""
    match event:
        case Started(job, due, missed, attempt):
            return {**_job_fields(job), "due": due.isoformat(), "missed": missed, "attempt": attempt}
        case Ended(job, due, exit_code, took):
            ended = {"due": due.isoformat(), "exit_code": exit_code, "seconds": round(took.total_seconds(), 3)}
            return {**_job_fields(job), **ended}
        case NotStarted(job, cause) | Unavailable(job, cause):
            return {**_job_fields(job), "cause": cause}
        case Idle(following):
            return {"next": following.isoformat()}
        case NothingScheduled(paths, files):
            return {"paths": [str(path) for path in paths], "files": files}
        case _:
            return {"file": event.file, "line": event.line}


def _job_fields(job: ScheduledJob) -> dict[str, str]:
    return {"file": str(job.path), "campaign": job.target.campaign}
