"""The commands that work with specs, jobs and models: validate, plan, lock, render and models.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.announced import announced
from brandpress.pipeline.cli.exit_codes import INVALID, OK, WORK, outcome_exit_code
from brandpress.pipeline.cli.log_options import Format, LogFormat, LogOptions, Quiet
from brandpress.pipeline.cli.options import Deliver, Job, Json

if TYPE_CHECKING:
    from brandpress.pipeline.plan.summary import Summary


def validate_files(files: options.Files, locked: options.Locked = False, as_json: Json = False) -> int:
    """Check brand specs and campaigns and list all mistakes. Each is printed as file:line:column: message."""
    from brandpress.pipeline.cli.json_output import print_json, validations_json
    from brandpress.pipeline.cli.text import print_lines, problem_lines, validation_lines, warning_lines
    from brandpress.pipeline.plan.validate import validate

    validations = [validate(file, locked=locked) for file in files]
    if as_json:
        print_json(validations_json(validations))
    else:
        print_lines(validation_lines(validations))
        print_lines([*warning_lines(validations), *problem_lines(validations)], sys.stderr)
    return INVALID if any(validation.problems for validation in validations) else OK


def plan_job(
    job: Job,
    deliver: Deliver = None,
    check: options.Check = False,
    select: options.Select = None,
    out: options.SavePlan = None,
    locked: options.Locked = False,
    first: options.First = 5,
    show: options.Show = None,
    gpu_memory: options.GpuMemory = None,
    gpu: options.Gpu = None,
    prices: options.Prices = None,
    budget_gpu_minutes: options.BudgetMinutes = None,
    budget_pictures: options.BudgetPictures = None,
    budget_money: options.BudgetMoney = None,
    markdown: options.Markdown = False,
    as_json: Json = False,
) -> int:
    """Show what a campaign would render, why, and what that takes. Variants that the store already has count as done.

    Without the model's files, the lock that `brandpress lock` wrote is enough.
    """
    from brandpress.pipeline.cli.cost import budget_of, cost_options
    from brandpress.pipeline.deliver.plan_summary import summarise_with_store
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.plan.saved_plan import is_saved_plan
    from brandpress.pipeline.plan.selection import campaign_selection
    from brandpress.pipeline.spec.load import load_campaign

    if markdown and as_json:
        raise RequestError("--markdown: --json prints something else; remove one of the options")
    if is_saved_plan(job):
        raise RequestError(f"{job}: this is a saved plan; render it with `brandpress render {job}`")
    plan = make_plan(load_campaign(job, deliver), check=True, locked=locked)
    summary = summarise_with_store(
        plan,
        gpu_bytes=None if gpu_memory is None else int(gpu_memory * 1e9),
        require_store=check or out is not None,
        selection=campaign_selection(select or (), plan.campaign, plan.variants),
        cost=cost_options(plan, budget_of(budget_gpu_minutes, budget_pictures, budget_money), prices, gpu),
    )
    if out is not None:
        _save_plan(summary, out, deliver)
    _print_summary(summary, first, show, markdown=markdown, as_json=as_json)
    return WORK if check and summary.has_work else OK


def _save_plan(summary: Summary, out: Path, deliver: str | None) -> None:
    from brandpress.pipeline.cli.text import plural
    from brandpress.pipeline.plan.saved_plan import saved_plan
    from brandpress.pipeline.plan.stored_file import write_stored

    saved = saved_plan(summary, out, deliver)
    write_stored(out, saved)
    typer.echo(f"saved {plural(len(saved.variants), 'variant')} to render: brandpress render {out}", err=True)


def _print_summary(summary: Summary, first: int, show: int | None, *, markdown: bool, as_json: bool) -> None:
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.plan_table import print_plan
    from brandpress.pipeline.plan.markdown import plan_markdown
    from brandpress.pipeline.plan.summary import summary_json

    if as_json:
        print_json(summary_json(summary, first, show))
    elif markdown:
        typer.echo(plan_markdown(summary, show), nl=False)
    else:
        print_plan(summary, first, show)


def lock_job(job: Job, out: options.LockOut = None, as_json: Json = False) -> int:
    """Record the model's revision and digests, and those of feeds and references, in a file beside the job.

    With it, the campaign can be validated and planned where the model's weights aren't, and a render holds itself to
    these weights.
    """
    from brandpress.model.checkpoint.describe import describe
    from brandpress.pipeline.cli.json_output import lock_json, print_json
    from brandpress.pipeline.plan.expand import plan_for
    from brandpress.pipeline.plan.lock import lock_file, lock_of, write_lock
    from brandpress.pipeline.spec.load import load_campaign

    campaign = load_campaign(job)
    plan = plan_for(campaign, describe(campaign.choice, job.parent))
    lock, file = lock_of(campaign, plan.model), out or lock_file(job)
    write_lock(file, lock)
    if as_json:
        print_json(lock_json(lock, file))
    else:
        typer.echo(file)
    return OK


@announced
def render_job(
    context: typer.Context,
    job: options.Order,
    deliver: Deliver = None,
    select: options.Select = None,
    locked: options.Locked = False,
    workers: options.Workers = None,
    workers_per_gpu: options.WorkersPerGpu = 1,
    cpu: options.Cpu = False,
    limit: options.Limit = None,
    retry_failed: options.RetryFailed = False,
    deadline: options.Deadline = None,
    compile: options.Compile = None,
    join: options.Join = False,
    take_over: options.TakeOver = False,
    prices: options.Prices = None,
    budget_gpu_minutes: options.BudgetMinutes = None,
    budget_pictures: options.BudgetPictures = None,
    budget_money: options.BudgetMoney = None,
    yes: options.WithoutAsking = False,
    quiet: Quiet = False,
    log_format: Format = LogFormat.TEXT,
    review: options.LiveReview = False,
    as_json: Json = False,
) -> int:
    """Render, deliver and publish what the store lacks, or what a saved plan lists. Run it again to continue."""
    from brandpress.pipeline.cli.cost import budget_of, confirmed, cost_options
    from brandpress.pipeline.deliver.render_order import render_order

    given = {"--limit": limit is not None, "--retry-failed": retry_failed}
    narrowing = [option for option, is_given in given.items() if is_given]
    order = render_order(job, deliver, select or (), locked=locked, narrowing=narrowing)
    budget = budget_of(budget_gpu_minutes, budget_pictures, budget_money)
    cost = cost_options(order.plan, budget, prices, "cpu" if cpu else None, limit, order.only)
    if not (yes or as_json) and not confirmed(order.plan, cost, retry_failed=retry_failed):
        return INVALID

    # Imported after the checks, because Ray takes seconds.
    from brandpress.pipeline.cli.json_output import outcome_json, print_json
    from brandpress.pipeline.cli.live_review import live_review
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.cli.text import outcome_lines, print_lines
    from brandpress.pipeline.render.driver.run import render_campaign
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.review.picture_gate import CampaignGate

    gate = CampaignGate.of(order.plan)
    context.obj.started = True
    with (
        progress(LogOptions(quiet, log_format)) as bar,
        live_review(order.plan, bar, wanted=review) as show,
        redirect_stdout(sys.stderr),  # Ray reports lost workers on stdout
    ):
        outcome = render_campaign(
            order.plan,
            only=order.only,
            workers=workers,
            limit=limit,
            on_event=show,
            workers_per_gpu=workers_per_gpu,
            cpu=cpu,
            retry_failed=retry_failed,
            deadline=deadline,
            compile=compile,
            renderer=context.obj.renderer or RENDERER,
            join=join,
            take_over=take_over,
            budget=cost.budget,
            prices=cost.prices,
            gate=gate,
        )
    context.obj.finished, context.obj.outcome = True, outcome_json(outcome)
    if as_json:
        print_json(context.obj.outcome)
    else:
        print_lines(outcome_lines(outcome))
    return outcome_exit_code(outcome)


def show_models(get: options.Get = None, as_json: Json = False) -> int:
    """Show the models and whether this machine has them."""
    from brandpress.pipeline.cli.json_output import models_json, print_json
    from brandpress.pipeline.cli.models_table import print_models
    from brandpress.pipeline.plan.download import download_model

    if get is not None:
        folder, note = download_model(get)
        if as_json:
            print_json({"schema": "brandpress.model/1", "name": get, "folder": folder and str(folder)})
        elif folder:
            typer.echo(folder)
        if note:
            typer.echo(note, err=True)
    elif as_json:
        print_json(models_json())
    else:
        print_models()
    return OK
