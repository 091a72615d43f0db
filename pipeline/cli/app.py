"""The command line: every command parses, calls and prints; `text` and `json_output` hold the output.

Exit codes: 0 done, 1 invalid input (nothing was rendered), 2 `plan --check` found work, 3 some variants failed or
`verify` found missing or changed objects, 4 nothing could be rendered or downloaded, 130 interrupted, 141 stdout was
closed. Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.exit_codes import (
    BROKEN,
    INTERRUPTED,
    INVALID,
    OK,
    PIPE_CLOSED,
    WORK,
    error_exit_code,
    outcome_exit_code,
)
from brandpress.pipeline.cli.options import Deliver, Job, Json

if TYPE_CHECKING:
    from brandpress.pipeline.spec.campaign import Campaign
    from brandpress.pipeline.store.protocol import Store

app = typer.Typer(
    name="brandpress",
    help="Renders consistent pictures from brand specs and campaign jobs into object storage.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `brandpress`. Ends the process with one of the exit codes above."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None, *, renderer: str | None = None) -> int:
    """Runs one command line and returns its exit code. Errors that a user can act on are printed as one message.

    renderer: `module:function` that loads the renderer for `render`; default: the model's.
    """
    try:
        code = app(arguments, prog_name="brandpress", standalone_mode=False, obj=renderer)
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except BrandpressError as error:
        typer.echo(str(error), err=True)
        return error_exit_code(error)
    except typer.TyperException as error:
        cast(Any, error).show()  # a wrong command line; `show`, which prints the usage, isn't in typer's public types
        return INVALID
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _print_version(requested: bool) -> None:
    if requested:
        from brandpress.pipeline.version import TOOL

        typer.echo(TOOL)
        raise typer.Exit


@app.callback()
def _global_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("validate")
def validate_files(files: options.Files, as_json: Json = False) -> int:
    """Check brand specs and campaigns and list all mistakes. Each is printed as file:line:column: message."""
    from brandpress.pipeline.cli.json_output import print_json, validations_json
    from brandpress.pipeline.cli.text import print_lines, problem_lines, validation_lines
    from brandpress.pipeline.plan.validate import validate

    validations = [validate(file) for file in files]
    if as_json:
        print_json(validations_json(validations))
    else:
        print_lines(validation_lines(validations))
        print_lines(problem_lines(validations), sys.stderr)
    return INVALID if any(validation.problems for validation in validations) else OK


@app.command("plan")
def plan_job(
    job: Job,
    deliver: Deliver = None,
    check: options.Check = False,
    first: options.First = 5,
    gpu_memory: options.GpuMemory = None,
    as_json: Json = False,
) -> int:
    """Show what a campaign would render, and the memory needed. Variants that the store already has count as done."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.plan_table import print_plan
    from brandpress.pipeline.deliver.plan_summary import summarise_with_store
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.plan.summary import summary_json
    from brandpress.pipeline.spec.load import load_campaign

    plan = make_plan(load_campaign(job, deliver), check=True)
    gpu_bytes = None if gpu_memory is None else int(gpu_memory * 1e9)
    summary = summarise_with_store(plan, gpu_bytes=gpu_bytes, require_store=check)
    if as_json:
        print_json(summary_json(summary, first))
    else:
        print_plan(summary, first)
    return WORK if check and summary.to_render else OK


@app.command("render")
def render_job(
    context: typer.Context,
    job: Job,
    deliver: Deliver = None,
    workers: options.Workers = None,
    workers_per_gpu: options.WorkersPerGpu = 1,
    limit: options.Limit = None,
    retry_failed: options.RetryFailed = False,
    deadline: options.Deadline = None,
    compile: options.Compile = None,
    as_json: Json = False,
) -> int:
    """Render, deliver and publish what the store lacks. Run it again to continue."""
    from brandpress.pipeline.cli.json_output import outcome_json, print_json
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.cli.text import outcome_lines, print_lines
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.render.driver.run import render_campaign
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.spec.load import load_campaign

    plan = make_plan(load_campaign(job, deliver), fetch=True, check=True)
    with progress() as show, redirect_stdout(sys.stderr):  # Ray reports lost workers on stdout
        outcome = render_campaign(
            plan,
            workers=workers,
            limit=limit,
            on_event=show,
            workers_per_gpu=workers_per_gpu,
            retry_failed=retry_failed,
            deadline=deadline,
            compile=compile,
            renderer=context.obj or RENDERER,
        )
    if as_json:
        print_json(outcome_json(outcome))
    else:
        print_lines(outcome_lines(outcome))
    return outcome_exit_code(outcome)


@app.command("status")
def show_status(job: Job, deliver: Deliver = None, as_json: Json = False) -> int:
    """Show what is done, failed and missing, and the latest manifest."""
    from brandpress.pipeline.cli.json_output import print_json, status_json
    from brandpress.pipeline.cli.text import print_lines, status_lines
    from brandpress.pipeline.deliver.status import campaign_status
    from brandpress.pipeline.plan.expand import make_plan

    campaign, folder = _open(job, deliver)
    status = campaign_status(folder, make_plan(campaign).variants)
    if as_json:
        print_json(status_json(status, folder.uri))
    else:
        print_lines(status_lines(status, folder.uri))
    return OK


@app.command("verify")
def verify_job(job: Job, deliver: Deliver = None, as_json: Json = False) -> int:
    """Read all delivered objects and compare checksums. Exits with 3 if an object is missing or changed."""
    from brandpress.pipeline.cli.json_output import print_json, verification_json
    from brandpress.pipeline.cli.text import print_lines, verification_lines
    from brandpress.pipeline.deliver.verify import verify

    _, folder = _open(job, deliver)
    verification = verify(folder)
    if as_json:
        print_json(verification_json(verification, folder.uri))
    else:
        print_lines(verification_lines(verification, folder.uri))
    return OK if verification.intact else BROKEN


@app.command("rollback")
def roll_back(
    job: Job, deliver: Deliver = None, to: options.To = None, list_only: options.ListOnly = False, as_json: Json = False
) -> int:
    """Make an earlier manifest the latest. No picture is deleted, and the next render publishes the job again."""
    from brandpress.pipeline.cli.json_output import history_json, print_json
    from brandpress.pipeline.cli.text import history_lines, print_lines
    from brandpress.pipeline.deliver.manifest import read_pointer
    from brandpress.pipeline.deliver.rollback import history, rollback

    _, folder = _open(job, deliver)
    if not list_only:
        rollback(folder, to)
    pointer = read_pointer(folder)
    latest = pointer.manifest if pointer else ""
    if as_json:
        print_json(history_json(history(folder), latest))
    else:
        print_lines(history_lines(history(folder), latest))
    return OK


@app.command("clean")
def clean_job(
    job: Job,
    deliver: Deliver = None,
    keep: options.Keep = 10,
    hours: options.Hours = 24,
    yes: options.Yes = False,
    as_json: Json = False,
) -> int:
    """List old manifests and unused objects. --yes deletes them.

    An object is unused if neither a kept manifest nor the job refers to it.
    """
    from brandpress.pipeline.cli.json_output import garbage_json, print_json
    from brandpress.pipeline.cli.text import garbage_lines, print_lines
    from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
    from brandpress.pipeline.plan.expand import make_plan

    campaign, folder = _open(job, deliver)
    garbage = find_garbage(folder, make_plan(campaign).variants, now=time.time(), keep=keep, hours=hours)
    if yes:
        for _ in delete_garbage(folder, garbage):
            pass
    if as_json:
        print_json(garbage_json(garbage, folder.uri, deleted=yes))
    else:
        print_lines(garbage_lines(garbage, folder.uri, deleted=yes))
    return OK


@app.command("sheet")
def draw_sheet(job: Job, deliver: Deliver = None, out: options.Out = None, columns: options.Columns = None) -> int:
    """Draw a campaign's pictures on one page, beside their references."""
    from brandpress.pipeline.review.contact_sheet import contact_sheet, reference_files, save

    campaign, folder = _open(job, deliver)
    sheet = contact_sheet(folder, reference_files(campaign), columns)
    typer.echo(save(sheet, out or Path(f"{campaign.name}.png")))
    return OK


@app.command("models")
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


def _open(job: Path, deliver: str | None) -> tuple[Campaign, Store]:
    """Returns a job's campaign and its folder in the store."""
    from brandpress.pipeline.spec.load import load_campaign
    from brandpress.pipeline.store.folder import open_campaign

    campaign = load_campaign(job, deliver)
    return campaign, open_campaign(campaign.address, campaign.name)
