"""The commands that work with specs, jobs and models: validate, plan, render and models.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import typer

from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.exit_codes import INVALID, OK, WORK, outcome_exit_code
from brandpress.pipeline.cli.options import Deliver, Job, Json


def validate_files(files: options.Files, as_json: Json = False) -> int:
    """Check brand specs and campaigns and list all mistakes. Each is printed as file:line:column: message."""
    from brandpress.pipeline.cli.json_output import print_json, validations_json
    from brandpress.pipeline.cli.text import print_lines, problem_lines, validation_lines, warning_lines
    from brandpress.pipeline.plan.validate import validate

    validations = [validate(file) for file in files]
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
    first: options.First = 5,
    gpu_memory: options.GpuMemory = None,
    gpu: options.Gpu = None,
    prices: options.Prices = None,
    budget_gpu_minutes: options.BudgetMinutes = None,
    budget_pictures: options.BudgetPictures = None,
    budget_money: options.BudgetMoney = None,
    as_json: Json = False,
) -> int:
    """Show what a campaign would render, and what that takes. Variants that the store already has count as done."""
    from brandpress.pipeline.cli.cost import budget_of, cost_options
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.plan_table import print_plan
    from brandpress.pipeline.deliver.plan_summary import summarise_with_store
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.plan.summary import summary_json
    from brandpress.pipeline.spec.load import load_campaign

    plan = make_plan(load_campaign(job, deliver), check=True)
    gpu_bytes = None if gpu_memory is None else int(gpu_memory * 1e9)
    cost = cost_options(plan, budget_of(budget_gpu_minutes, budget_pictures, budget_money), prices, gpu)
    summary = summarise_with_store(plan, gpu_bytes=gpu_bytes, require_store=check, cost=cost)
    if as_json:
        print_json(summary_json(summary, first))
    else:
        print_plan(summary, first)
    return WORK if check and summary.has_work else OK


def render_job(
    context: typer.Context,
    job: Job,
    deliver: Deliver = None,
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
    as_json: Json = False,
) -> int:
    """Render, deliver and publish what the store lacks. Run it again to continue."""
    from brandpress.pipeline.cli.cost import budget_of, confirmed, cost_options
    from brandpress.pipeline.cli.json_output import outcome_json, print_json
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.cli.text import outcome_lines, print_lines
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.render.driver.run import render_campaign
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.spec.load import load_campaign

    plan = make_plan(load_campaign(job, deliver), fetch=True, check=True)
    budget = budget_of(budget_gpu_minutes, budget_pictures, budget_money)
    cost = cost_options(plan, budget, prices, "cpu" if cpu else None, limit)
    if not (yes or as_json) and not confirmed(plan, cost, retry_failed=retry_failed):
        return INVALID
    context.obj.started = True
    with progress() as show, redirect_stdout(sys.stderr):  # Ray reports lost workers on stdout
        outcome = render_campaign(
            plan,
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
        )
    context.obj.finished = True
    if as_json:
        print_json(outcome_json(outcome))
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
            print_json({"name": get, "folder": folder and str(folder)})
        elif folder:
            typer.echo(folder)
        if note:
            typer.echo(note, err=True)
    elif as_json:
        print_json(models_json())
    else:
        print_models()
    return OK
