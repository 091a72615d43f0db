"""The output of `submit`, `jobs` and `stop`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import typer

from brandpress.pipeline.cli.log_json import print_log
from brandpress.pipeline.cli.log_options import LogFormat, LogOptions
from brandpress.pipeline.cli.progress_lines import time_stamp
from brandpress.pipeline.cli.schedule_output import minute
from brandpress.pipeline.cli.text import printable
from brandpress.pipeline.run.submission import Submission, exit_code_of


def submission_lines(jobs: Iterable[Submission]) -> Iterator[str]:
    """A table of jobs with a header: id, status with the exit code, start and the address of the delivery."""
    rows = [("id", "status", "started", "deliver")]
    for job in jobs:
        started = minute(job.started) if job.started else "not started yet"
        rows.append((printable(job.id), _result(job), started, printable(job.deliver)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def stop_line(job: Submission) -> str:
    """What `stop` says about a job."""
    if job.is_over:
        return f"{job.id}: has ended: {_result(job)}"
    return f"{job.id}: {job.message}; `brandpress logs {job.id} --follow` waits until it has"


def show_pending(submission_id: str, reason: str, options: LogOptions) -> None:
    """Says on stderr that a job hasn't begun, and why. reason: a sentence of Ray's."""
    if options.quiet:
        return
    text = f"waiting for the cluster to start the job: {reason or 'no reason is given'}"
    if options.format is LogFormat.JSON:
        print_log("info", "job_pending", text, id=submission_id)
    else:
        typer.echo(printable(f"{time_stamp()} {text}"), err=True)


def show_silence(submission_id: str, seconds: float, options: LogOptions) -> None:
    """Says on stderr that the job server doesn't answer. seconds: since when."""
    text = f"the job server hasn't answered for {seconds:,.0f} s"
    if options.format is LogFormat.JSON:
        print_log("warning", "job_server_silent", text, id=submission_id, seconds=round(seconds, 3))
    else:
        typer.echo(f"{time_stamp()} {text}", err=True)


def submission_json(job: Submission) -> dict[str, Any]:
    """`submit --json` and `stop --json`. exit_code: as the command's, None while it's at work."""
    return {"schema": "brandpress.submission/1", **_fields(job)}


def submissions_json(jobs: Iterable[Submission]) -> dict[str, Any]:
    """`jobs --json`: the newest first."""
    return {"schema": "brandpress.submissions/1", "jobs": [_fields(job) for job in jobs]}


def _fields(job: Submission) -> dict[str, Any]:
    return {
        "id": job.id,
        "campaign": job.campaign,
        "status": job.status.lower(),
        "started": None if job.started is None else job.started.isoformat(),
        "ended": None if job.ended is None else job.ended.isoformat(),
        "exit_code": _exit_code(job),
        "message": job.message,
        "deliver": job.deliver,
    }


def _result(job: Submission) -> str:
    code = _exit_code(job)
    return f"{job.status.lower()}, exit code {code}" if code else job.status.lower()


def _exit_code(job: Submission) -> int | None:
    return exit_code_of(job) if job.is_over else None
