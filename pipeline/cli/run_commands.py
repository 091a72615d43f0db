"""The commands that run without a person: schedule and regenerate. `submit_commands` has those for clusters.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.announced import announced
from brandpress.pipeline.cli.exit_codes import ANOTHER_RUN, BROKEN, FAILED, INTERRUPTED, INVALID, OK, outcome_exit_code
from brandpress.pipeline.cli.log_options import Format, LogFormat, LogOptions, Quiet
from brandpress.pipeline.cli.options import Deliver, Json

if TYPE_CHECKING:
    from brandpress.pipeline.deliver.render_order import RenderOrder
    from brandpress.pipeline.plan.cost.estimate import CostOptions
    from brandpress.pipeline.plan.expand import Plan

Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Jobs, and folders with jobs.", show_default=False)]
Once = Annotated[bool, typer.Option("--once", help="Do what is due now, and exit.")]
ListNext = Annotated[bool, typer.Option("--list", help="Only show when each job is due, and its last run.")]

SEVERITY = (FAILED, BROKEN, INVALID, ANOTHER_RUN)


def schedule_jobs(
    paths: Paths,
    deliver: Deliver = None,
    once: Once = False,
    list_only: ListNext = False,
    quiet: Quiet = False,
    log_format: Format = LogFormat.TEXT,
    as_json: Json = False,
) -> int:
    """Render jobs when their `schedule:` says so. Runs until it's stopped; any number can be at work."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.schedule_log import shown_events
    from brandpress.pipeline.cli.schedule_output import upcoming_json, upcoming_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.render.driver.interrupt import stop_signal
    from brandpress.pipeline.run.scheduled_jobs import load_scheduled, nothing_scheduled
    from brandpress.pipeline.run.scheduled_run import run_scheduled
    from brandpress.pipeline.run.scheduler import Scheduler, upcoming, utc_now

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
        if not jobs.jobs and not jobs.problems:
            print_lines([nothing_scheduled(paths, jobs.others)], sys.stderr)
        return INVALID if jobs.problems or any(entry.problem for entry in entries) else OK

    log = LogOptions(quiet, log_format)
    with stop_signal() as stop:

        def wait(seconds: float) -> None:
            end = time.monotonic() + seconds
            while not stop.received and (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.5))

        scheduler = Scheduler(
            paths,
            deliver,
            on_event=shown_events(log),
            stopping=lambda: stop.received,
            wait=wait,
            runner=partial(run_scheduled, options=log.words),
        )
        if not once:
            scheduler.run()
            return INTERRUPTED
        codes = scheduler.run_once()
    return next((code for code in SEVERITY if code in codes), OK if not any(codes) else max(codes))


PlanOnly = Annotated[bool, typer.Option("--plan-only", help="Report what would be rendered, and render nothing.")]
Comment = Annotated[
    bool, typer.Option("--comment", help="In GitHub Actions, keep one comment with the plan on the pull request.")
]
Sheet = Annotated[
    Path | None, typer.Option("--sheet", metavar="FILE", help="Draw the contact sheet here.", show_default=False)
]
Outputs = Annotated[
    Path | None,
    typer.Option(
        "--outputs",
        envvar="GITHUB_OUTPUT",
        metavar="FILE",
        help="Append new=…, stale=…, publish=…, remove=…, manifest=… and others to this file.",
        show_default=False,
    ),
]
SummaryFile = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        envvar="GITHUB_STEP_SUMMARY",
        metavar="FILE",
        help="Append a summary in Markdown to this file.",
        show_default=False,
    ),
]
Quality = Annotated[
    Path | None,
    typer.Option("--code-quality", metavar="FILE", help="Write GitLab's Code Quality report.", show_default=False),
]
Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report.", show_default=False)
]


@announced
def regenerate_job(
    context: typer.Context,
    job: options.Job,
    deliver: Deliver = None,
    plan_only: PlanOnly = False,
    comment: Comment = False,
    sheet: Sheet = None,
    outputs: Outputs = None,
    summary: SummaryFile = None,
    code_quality: Quality = None,
    junit: Junit = None,
    select: options.Select = None,
    locked: options.Locked = False,
    workers: options.Workers = None,
    cpu: options.Cpu = False,
    retry_failed: options.RetryFailed = False,
    deadline: options.Deadline = None,
    join: options.Join = False,
    prices: options.Prices = None,
    budget_gpu_minutes: options.BudgetMinutes = None,
    budget_pictures: options.BudgetPictures = None,
    budget_money: options.BudgetMoney = None,
    quiet: Quiet = False,
    log_format: Format = LogFormat.TEXT,
    as_json: Json = False,
) -> int:
    """In CI: render what is new or stale, publish it, and report. Outside of GitHub Actions, options name the files."""
    from brandpress.pipeline.cli.cost import budget_of, cost_options
    from brandpress.pipeline.cli.json_output import outcome_json, print_json
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.cli.text import outcome_lines, print_lines
    from brandpress.pipeline.render.driver.outcome import Outcome
    from brandpress.pipeline.render.driver.run import render_campaign
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.review.contact_sheet import check_suffix
    from brandpress.pipeline.review.picture_gate import CampaignGate
    from brandpress.pipeline.run.ci_markdown import problems_comment
    from brandpress.pipeline.run.github import annotation_lines, escaped, is_github
    from brandpress.pipeline.run.regenerate import Reports, plan_regeneration, regenerate
    from brandpress.pipeline.spec.problem import SpecError
    from brandpress.pipeline.spec.target import campaign_name

    reports = Reports(outputs, summary, code_quality, junit)
    if sheet is not None:
        check_suffix(sheet)
    budget = budget_of(budget_gpu_minutes, budget_pictures, budget_money)

    def cost(order: RenderOrder) -> CostOptions:
        return cost_options(order.plan, budget, prices, "cpu" if cpu else None, only=order.only)

    try:
        order, result = plan_regeneration(job, deliver, select or (), locked=locked, cost=cost)
    except SpecError as error:
        reports.problems(job, error.problems)
        if is_github():
            print_lines(annotation_lines(error.problems), sys.stderr)
        if comment and (name := campaign_name(job)) is not None:
            with suppress(RequestError):  # no token: the mistakes matter more
                _comment(problems_comment(name, job.name, error.problems))
        raise
    except BrandpressError as error:
        if is_github():
            typer.echo(f"::error title=brandpress::{escaped(str(error))}", err=True)
        raise
    if comment:
        _comment(result.markdown())

    def render(plan: Plan) -> Outcome:
        gate = CampaignGate.of(plan)
        context.obj.started = True
        spending = cost(order)
        with progress(LogOptions(quiet, log_format)) as show, redirect_stdout(sys.stderr):
            return render_campaign(
                plan,
                only=order.only,
                workers=workers,
                on_event=show,
                cpu=cpu,
                retry_failed=retry_failed,
                deadline=deadline,
                renderer=context.obj.renderer or RENDERER,
                join=join,
                budget=spending.budget,
                prices=spending.prices,
                gate=gate,
            )

    drawn = None
    if not plan_only:
        result = regenerate(order.plan, result, render)
        context.obj.finished = True
        context.obj.outcome = None if result.outcome is None else outcome_json(result.outcome)
        drawn = _drawn_sheet(order.plan, sheet)
    reports.result(job, result, drawn)
    if as_json:
        print_json(result.to_json(drawn))
    elif result.outcome is None:
        print_lines([result.line])
    else:
        print_lines(outcome_lines(result.outcome))
    return OK if result.outcome is None else outcome_exit_code(result.outcome)


def _comment(markdown: str) -> None:
    """Writes the comment on the pull request, or a warning if that can't be done. Other events of GitHub have none."""
    from brandpress.pipeline.run.github import escaped, is_github
    from brandpress.pipeline.run.pull_request import CommentError, comment, pull_request_of_event

    try:
        pull_request = pull_request_of_event()
        if pull_request is not None:
            comment(pull_request, markdown)
        elif not is_github():
            typer.echo("warning: --comment: this isn't GitHub Actions, so there is no comment", err=True)
    except CommentError as error:
        typer.echo(
            f"::warning title=brandpress::{escaped(str(error))}" if is_github() else f"warning: {error}", err=True
        )


def _drawn_sheet(plan: Plan, sheet: Path | None) -> Path | None:
    """Draws the campaign's sheet if one is asked for and anything is published."""
    from brandpress.pipeline.deliver.manifest import NothingPublishedError
    from brandpress.pipeline.review.contact_sheet import contact_sheet, reference_files, save
    from brandpress.pipeline.store.folder import open_campaign

    if sheet is None:
        return None
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    try:
        drawn = contact_sheet(folder, reference_files(plan.campaign), None, lambda line: typer.echo(line, err=True))
    except NothingPublishedError:
        return None
    save(drawn, sheet)
    return sheet
