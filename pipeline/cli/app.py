"""The command line: every command parses, calls and prints; `text` and `json_output` hold the output.

Exit codes: 0 done, 1 invalid input (nothing was rendered), 2 `plan --check` found work, 3 some variants failed or
`verify` or `sheet` found missing or changed objects, 4 nothing could be rendered or downloaded, 5 another run is at
work, 130 interrupted, 141 stdout was closed. Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import errno
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from brandpress.model.errors import BrandpressError, CheckpointError
from brandpress.model.redaction import redacted
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.exit_codes import (
    BROKEN,
    FAILED,
    INTERRUPTED,
    INVALID,
    OK,
    PIPE_CLOSED,
    WORK,
    error_exit_code,
    outcome_exit_code,
)
from brandpress.pipeline.cli.options import Deliver, Job, Json
from brandpress.pipeline.cli.streams import accept_any_text, discard_stdout
from brandpress.pipeline.spec.problem import SpecError

if TYPE_CHECKING:
    from brandpress.pipeline.plan.variant import Variant
    from brandpress.pipeline.spec.target import Target
    from brandpress.pipeline.store.protocol import Store

MAX_MESSAGE = 500  # characters of an unforeseen error

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


@dataclass
class Invocation:
    """What one command line asks for besides its command, and how far it got.

    renderer: `module:function` that loads the renderer for `render`; None for the model's. started, finished: whether
    rendering has begun, and whether it has ended with an outcome.
    """

    renderer: str | None = None
    debug: bool = False
    started: bool = False
    finished: bool = False


def run(arguments: Sequence[str] | None = None, *, renderer: str | None = None) -> int:
    """Runs one command line and returns its exit code. Errors are printed as one message; only --debug adds tracebacks.

    renderer: `module:function` that loads the renderer for `render`; default: the model's.
    """
    accept_any_text()
    invocation = Invocation(renderer)
    try:
        code = app(_with_debug_first(arguments), prog_name="brandpress", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
        if code == INTERRUPTED and not invocation.finished:  # typer returns this code instead of raising
            return _interrupted()
        return code if isinstance(code, int) else OK
    except BrandpressError as error:
        return _report(str(error), error_exit_code(error), invocation)
    except typer.TyperException as error:
        cast(Any, error).show()  # a wrong command line; `show`, which prints the usage, isn't in typer's public types
        return INVALID
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except SystemExit as stop:  # typer's and rich's answer to an interruption and to a closed pipe
        if stop.code == INTERRUPTED:
            return _interrupted()
        if _is_closed_pipe(stop.__context__):
            discard_stdout()
            return PIPE_CLOSED
        return stop.code if isinstance(stop.code, int) else INVALID
    except BrokenPipeError:
        discard_stdout()
        return PIPE_CLOSED
    except Exception as error:
        if _is_closed_pipe(error):
            discard_stdout()
            return PIPE_CLOSED
        message = f"{_described(error)} (this was not foreseen; --debug shows where it happened)"
        return _report(message, FAILED if invocation.started else INVALID, invocation)


def _report(message: str, code: int, invocation: Invocation) -> int:
    if invocation.debug:
        typer.echo(redacted(traceback.format_exc()), err=True)
    typer.echo(message, err=True)
    return code


def _interrupted() -> int:
    typer.echo("interrupted", err=True)
    return INTERRUPTED


def _is_closed_pipe(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _described(error: Exception) -> str:
    """Returns an error's class and its text in one line, without what looks like a credential."""
    text = " ".join(redacted(str(error)).split())
    shown = text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def _with_debug_first(arguments: Sequence[str] | None) -> list[str]:
    """Returns the arguments with --debug in front, where it's read: users write it behind the command."""
    written = list(sys.argv[1:] if arguments is None else arguments)
    end = written.index("--") if "--" in written else len(written)
    if "--debug" not in written[:end]:
        return written
    return ["--debug", *(word for word in written[:end] if word != "--debug"), *written[end:]]


def _print_version(requested: bool) -> None:
    if requested:
        from brandpress.pipeline.version import TOOL

        typer.echo(TOOL)
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if context.obj is not None:
        context.obj.debug = debug
    if debug:
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
        logging.getLogger("brandpress").setLevel(logging.DEBUG)


@app.command("validate")
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
    return WORK if check and summary.has_work else OK


@app.command("render")
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
        )
    context.obj.finished = True
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
    from brandpress.pipeline.deliver.status import campaign_status, published_status

    _, folder = _open(job, deliver)
    try:
        status = campaign_status(folder, _variants(job, deliver))
    except (SpecError, CheckpointError) as error:
        status = published_status(folder, str(error))
    if as_json:
        print_json(status_json(status, folder.uri))
    else:
        print_lines(status_lines(status, folder.uri))
    return OK


@app.command("verify")
def verify_job(job: Job, deliver: Deliver = None, repair: options.Repair = False, as_json: Json = False) -> int:
    """Read all delivered objects and compare checksums. Exits with 3 if an object is missing or changed."""
    from brandpress.pipeline.cli.json_output import print_json, verification_json
    from brandpress.pipeline.cli.text import print_lines, verification_lines
    from brandpress.pipeline.deliver import verify

    target, folder = _open(job, deliver)
    verification = verify.verify(folder)
    deleted: tuple[str, ...] = ()
    if repair and not verification.intact:
        _check_owner(target, folder, take_over=False)
        deleted = verify.repair(folder, verification)
    if as_json:
        print_json(verification_json(verification, folder.uri, deleted))
    else:
        print_lines(verification_lines(verification, folder.uri, deleted))
    return OK if verification.intact else BROKEN


@app.command("rollback")
def roll_back(
    job: Job,
    deliver: Deliver = None,
    to: options.To = None,
    list_only: options.ListOnly = False,
    take_over: options.TakeOver = False,
    as_json: Json = False,
) -> int:
    """Make an earlier manifest the latest. No picture is deleted, and the next render publishes the job again."""
    from brandpress.pipeline.cli.json_output import history_json, print_json
    from brandpress.pipeline.cli.text import history_lines, print_lines
    from brandpress.pipeline.deliver.manifest import read_pointer
    from brandpress.pipeline.deliver.rollback import history, rollback

    target, folder = _open(job, deliver)
    if not list_only:
        _check_owner(target, folder, take_over=take_over)
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
    take_over: options.TakeOver = False,
    as_json: Json = False,
) -> int:
    """List old manifests and unused objects. --yes deletes them.

    An object is unused if neither a kept manifest nor the job refers to it.
    """
    from brandpress.pipeline.cli.json_output import garbage_json, print_json
    from brandpress.pipeline.cli.text import garbage_lines, print_lines
    from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage

    target, folder = _open(job, deliver)
    _check_owner(target, folder, take_over=take_over)
    variants: tuple[Variant, ...] | None
    try:
        variants = _variants(job, deliver)
    except (SpecError, CheckpointError) as error:
        variants = None
        typer.echo(f"{error}\nkeeping everything that was written after the latest manifest", err=True)
    garbage = find_garbage(folder, variants, now=time.time(), keep=keep, hours=hours)
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
    """Draw a campaign's pictures on one page, beside their references. Exits with 3 if a picture is missing."""
    from brandpress.pipeline.cli.text import broken_picture_lines, print_lines
    from brandpress.pipeline.review.contact_sheet import check_suffix, contact_sheet, reference_files, save
    from brandpress.pipeline.spec.load import load_campaign

    if out is not None:
        check_suffix(out)
    target, folder = _open(job, deliver)
    try:
        references = reference_files(load_campaign(job, deliver))
    except SpecError as error:
        typer.echo(f"{error}\ndrawing the sheet without reference pictures", err=True)
        references = {}
    broken: list[str] = []
    sheet = contact_sheet(folder, references, columns, broken.append)
    typer.echo(save(sheet, out or Path(f"{target.campaign}.png")))
    print_lines(broken_picture_lines(broken), sys.stderr)
    return BROKEN if broken else OK


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


def _open(job: Path, deliver: str | None) -> tuple[Target, Store]:
    """Returns what a job delivers where, and its folder in the store. Needs neither references nor the model."""
    from brandpress.pipeline.spec.target import load_target
    from brandpress.pipeline.store.folder import open_campaign

    target = load_target(job, deliver)
    return target, open_campaign(target.address, target.campaign)


def _variants(job: Path, deliver: str | None) -> tuple[Variant, ...]:
    """Returns the job's variants. Needs its references and its model."""
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.spec.load import load_campaign

    return make_plan(load_campaign(job, deliver)).variants


def _check_owner(target: Target, folder: Store, *, take_over: bool) -> None:
    from brandpress.pipeline.deliver.ownership import check_owner

    check_owner(folder, target.brand, target.job, take_over=take_over)
