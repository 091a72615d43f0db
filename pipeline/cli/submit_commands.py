"""The commands for Ray clusters with a job server: submit, jobs, logs and stop.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.exit_codes import OK
from brandpress.pipeline.cli.log_options import Format, LogFormat, LogOptions, Quiet
from brandpress.pipeline.cli.options import Deliver, Json

if TYPE_CHECKING:
    from brandpress.pipeline.run.submission import JobServer

Address = Annotated[
    str,
    typer.Option(
        "--address",
        envvar="RAY_API_SERVER_ADDRESS",
        metavar="URL",
        help="The cluster's job server, such as http://127.0.0.1:8265.",
        show_default=False,
    ),
]
DEFAULTS = LogOptions()
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `jobs` lists it.", show_default=False)]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job ends, and exit as it does.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the job's id and exit; `logs --follow` shows it later.")]


def submit_job(
    context: typer.Context,
    job: options.Job,
    address: Address,
    deliver: Deliver = None,
    select: options.Select = None,
    locked: options.Locked = False,
    workers: options.Workers = None,
    cpu: options.Cpu = False,
    limit: options.Limit = None,
    retry_failed: options.RetryFailed = False,
    deadline: options.Deadline = None,
    take_over: options.TakeOver = False,
    budget_gpu_minutes: options.BudgetMinutes = None,
    budget_pictures: options.BudgetPictures = None,
    budget_money: options.BudgetMoney = None,
    quiet: Quiet = False,
    log_format: Format = LogFormat.TEXT,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> int:
    """Send a campaign to a Ray cluster and wait until it's rendered. Exits as `render` does."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.submission_output import submission_json
    from brandpress.pipeline.plan.lock import lock_file
    from brandpress.pipeline.plan.locked import require_lock
    from brandpress.pipeline.plan.selection import check_selection
    from brandpress.pipeline.run.bundle import check_model
    from brandpress.pipeline.run.submission import JobServer
    from brandpress.pipeline.spec.load import load_campaign

    written = {
        "--workers": workers,
        "--limit": limit,
        "--deadline": deadline,
        "--budget-gpu-minutes": budget_gpu_minutes,
        "--budget-pictures": budget_pictures,
        "--budget-money": budget_money,
    }
    values = [word for name, value in written.items() if value is not None for word in (name, str(value))]
    values += [f"--select={term}" for term in select or ()]
    flags = {"--cpu": cpu, "--retry-failed": retry_failed, "--take-over": take_over, "--locked": locked}
    values += [name for name, is_set in flags.items() if is_set]
    campaign = load_campaign(job, deliver)
    check_model(campaign)
    check_selection(select or (), campaign)
    if locked and not lock_file(job).exists():
        require_lock(None, campaign)  # the error that the cluster would come to later
    server = JobServer(address)
    submission = server.submit(campaign, tuple(values), LogOptions(quiet, log_format).words)
    if not no_wait:
        typer.echo(f"submitted as {submission.id}", err=True)
        return _followed(context, server, submission.id, as_json=as_json, log=LogOptions(quiet, log_format))
    if as_json:
        print_json(submission_json(submission))
    else:
        typer.echo(submission.id)
    return OK


def list_jobs(address: Address, as_json: Json = False) -> int:
    """List the jobs that were submitted to a cluster, the newest first."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.submission_output import submission_lines, submissions_json
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.run.submission import JobServer

    jobs = JobServer(address).jobs()
    if as_json:
        print_json(submissions_json(jobs))
    else:
        print_lines(submission_lines(jobs) if jobs else ["no jobs"])
    return OK


def show_logs(context: typer.Context, id: JobId, address: Address, follow: Follow = False) -> int:
    """Show what a submitted job has printed."""
    from brandpress.pipeline.cli.text import printable
    from brandpress.pipeline.run.submission import JobServer

    server = JobServer(address)
    if follow:
        return _followed(context, server, id)
    typer.echo(printable(server.logs(id).expandtabs()), nl=False)
    return OK


def stop_job(id: JobId, address: Address, as_json: Json = False) -> int:
    """Ask a submitted job to end. What it has delivered stays, and submitting it again continues."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.submission_output import stop_line, submission_json
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.run.submission import JobServer

    stopped = JobServer(address).stop(id)
    if as_json:
        print_json(submission_json(stopped))
    else:
        print_lines([stop_line(stopped)])
    return OK


def _followed(
    context: typer.Context,
    server: JobServer,
    submission_id: str,
    *,
    as_json: bool = False,
    log: LogOptions = DEFAULTS,
) -> int:
    """Shows what a job prints until it ends, on stderr if JSON follows. Returns the job's exit code."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.submission_output import show_pending, show_silence, submission_json
    from brandpress.pipeline.cli.text import printable
    from brandpress.pipeline.run.submission import exit_code_of

    following = server.follow(
        submission_id,
        on_pending=lambda reason: show_pending(submission_id, reason, log),
        on_silence=lambda seconds: show_silence(submission_id, seconds, log),
    )
    try:
        for text in following:
            typer.echo(printable(text.expandtabs()), nl=False, err=as_json)
    except KeyboardInterrupt:
        context.obj.interruption = f"the job goes on; `brandpress stop {submission_id}` ends it"
        raise
    job = server.job(submission_id)
    context.obj.finished = True  # 130 is the exit code of a job that was stopped
    code = exit_code_of(job)
    if as_json:
        print_json(submission_json(job))
    elif code:
        typer.echo(f"{submission_id}: {job.status.lower()}, exit code {code}: {job.message}", err=True)
    return code
