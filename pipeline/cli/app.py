"""The command line: parse, call, print. What a command does lives in the stations; how it looks, in `present`.

Exit codes: 0 done, 1 invalid input (nothing was rendered), 2 `plan --check` found work, 3 some variants failed or
`verify` found something missing or changed, 4 nothing could be rendered or downloaded, 130 interrupted. Stations are
imported inside of the commands, so that `--help` is quick.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.cli.exit_codes import BROKEN, INTERRUPTED, INVALID, OK, PIPE_CLOSED, WORK, exit_code_of

if TYPE_CHECKING:
    from brandpress.pipeline.deliver.resume import CompletedKeys
    from brandpress.pipeline.spec.campaign import Campaign

# What typer raises for a wrong command line; it names no public base class of BadParameter.
_USAGE_ERROR = cast(type[Any], typer.BadParameter.__mro__[2])

app = typer.Typer(
    name="brandpress",
    help="Brand specs and campaign jobs in; consistent pictures, with manifests, in object storage out.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Job = Annotated[Path, typer.Argument(metavar="JOB", help="The campaign's file.", show_default=False)]
Deliver = Annotated[
    str | None, typer.Option("--deliver", metavar="URI", help="Deliver there and not where the job says.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command `brandpress`. Ends the process with one of the exit codes above."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code. Errors that a person can act on become one message."""
    try:
        code = app(arguments, prog_name="brandpress", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else OK
    except BrandpressError as error:
        typer.echo(str(error), err=True)
        return exit_code_of(error)
    except _USAGE_ERROR as error:
        error.show()
        return INVALID
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _print_version(wanted: bool) -> None:
    if wanted:
        from brandpress.pipeline.version import TOOL

        typer.echo(TOOL)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command("validate")
def validate_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Brand specs and campaigns.")],
    as_json: Json = False,
) -> int:
    """Check brand specs and campaigns; print every mistake as file:line:column."""
    from brandpress.pipeline.cli.present import show_validations, validations_json
    from brandpress.pipeline.plan.validate import validate

    validations = [validate(file) for file in files]
    if as_json:
        typer.echo(json.dumps(validations_json(validations), indent=2, ensure_ascii=False))
    else:
        show_validations(validations)
    return INVALID if any(validation.problems for validation in validations) else OK


@app.command("plan")
def plan_job(
    job: Job,
    deliver: Deliver = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 2 when there is something to render.")] = False,
    first: Annotated[int, typer.Option("--first", min=0, help="How many variants to show.")] = 5,
    gpu_memory: Annotated[
        float | None, typer.Option("--gpu-memory", min=1, metavar="GB", help="Plan for a GPU of that size.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Show what a campaign would render, and what its store has already."""
    from brandpress.pipeline.cli.present import show_plan
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.plan.memory import memory_of
    from brandpress.pipeline.plan.summary import summarise, summary_json
    from brandpress.pipeline.plan.warnings import warnings_of

    campaign, uri = _load(job, deliver)
    plan = make_plan(campaign)
    settled, unknown = _settled(uri, plan, needed=check)
    memory = memory_of(plan, None if gpu_memory is None else int(gpu_memory * 1e9))
    summary = summarise(
        plan,
        uri,
        settled.done if settled else None,
        unknown,
        warnings_of(plan),
        memory,
        quarantined=settled.quarantined if settled else frozenset(),
    )
    if as_json:
        typer.echo(json.dumps(summary_json(summary, first), indent=2, ensure_ascii=False))
    else:
        show_plan(summary, first)
    return WORK if check and summary.to_render else OK


@app.command("render")
def render_job(
    job: Job,
    deliver: Deliver = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="How many (default: as many as the GPUs take, else one).")
    ] = None,
    workers_per_gpu: Annotated[
        int,
        typer.Option(
            "--workers-per-gpu",
            min=1,
            max=16,
            metavar="N",
            help="How many share a GPU and its memory; for small models.",
        ),
    ] = 1,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Render at most so many pictures.")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Render only what failed before, quarantined pictures, too.")
    ] = False,
    deadline: Annotated[
        float | None,
        typer.Option(
            "--deadline",
            min=1,
            metavar="SECONDS",
            help="How long a picture may take (default: 4 times what the others take, at least 5 minutes).",
        ),
    ] = None,
    compile: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile the model's kernels: with Triton on a GPU (the default there), torch.compile on a CPU.",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Render what the store hasn't got, deliver it and publish the manifest. Run it again to go on."""
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.cli.report import outcome_json, outcome_lines
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.render.driver.run import render_campaign

    campaign, uri = _load(job, deliver)
    plan = make_plan(campaign, fetch=True)
    with progress() as show, redirect_stdout(sys.stderr):  # Ray tells of what is lost on stdout
        outcome = render_campaign(
            plan,
            uri,
            workers,
            limit,
            show,
            workers_per_gpu=workers_per_gpu,
            retry_failed=retry_failed,
            deadline=deadline,
            compile=compile,
        )
    _tell(outcome_json(outcome) if as_json else outcome_lines(outcome))
    return outcome.exit_code


@app.command("status")
def status_of_job(job: Job, deliver: Deliver = None, as_json: Json = False) -> int:
    """Show what of a campaign is done, failed and missing, and its latest manifest."""
    from brandpress.pipeline.cli.report import status_json, status_lines
    from brandpress.pipeline.deliver.status import campaign_status
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.store.folder import open_campaign

    campaign, uri = _load(job, deliver)
    folder = open_campaign(uri, campaign.name)
    status = campaign_status(folder, make_plan(campaign).variants)
    _tell(status_json(status, folder.uri) if as_json else status_lines(status, folder.uri))
    return OK


@app.command("verify")
def verify_job(job: Job, deliver: Deliver = None, as_json: Json = False) -> int:
    """Read all that was delivered again and compare; exit with 3 when something is missing or changed."""
    from brandpress.pipeline.cli.report import verification_json, verification_lines
    from brandpress.pipeline.deliver.verify import verify
    from brandpress.pipeline.store.folder import open_campaign

    campaign, uri = _load(job, deliver)
    folder = open_campaign(uri, campaign.name)
    verification = verify(folder)
    _tell(verification_json(verification, folder.uri) if as_json else verification_lines(verification, folder.uri))
    return OK if verification.intact else BROKEN


@app.command("rollback")
def roll_back(
    job: Job,
    deliver: Deliver = None,
    to: Annotated[
        int | None, typer.Option("--to", min=1, metavar="N", help="The manifest (default: the one before the latest).")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only show the manifests that there are.")] = False,
    as_json: Json = False,
) -> int:
    """Make an earlier manifest the latest. Pictures stay; the next render publishes what the job says then."""
    from brandpress.pipeline.cli.report import history_json, history_lines
    from brandpress.pipeline.deliver.manifest import read_pointer
    from brandpress.pipeline.deliver.rollback import history, rollback
    from brandpress.pipeline.store.folder import open_campaign

    campaign, uri = _load(job, deliver)
    folder = open_campaign(uri, campaign.name)
    if not show:
        rollback(folder, to)
    latest = read_pointer(folder)
    name = latest.manifest if latest else ""
    _tell(history_json(history(folder), name) if as_json else history_lines(history(folder), name))
    return OK


@app.command("clean")
def clean_job(
    job: Job,
    deliver: Deliver = None,
    keep: Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many of the newest manifests.")] = 10,
    hours: Annotated[float, typer.Option("--hours", min=0, help="Keep what is younger, whoever asks for it.")] = 24,
    yes: Annotated[bool, typer.Option("--yes", help="Delete, and not only list.")] = False,
    as_json: Json = False,
) -> int:
    """List old manifests, and what neither the kept ones nor the job name; with --yes, delete it."""
    from brandpress.pipeline.cli.report import garbage_json, garbage_lines
    from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.store.folder import open_campaign

    campaign, uri = _load(job, deliver)
    folder = open_campaign(uri, campaign.name)
    sweep = find_garbage(folder, make_plan(campaign).variants, now=time.time(), keep=keep, hours=hours)
    if yes:
        for _ in delete_garbage(folder, sweep):
            pass
    _tell(garbage_json(sweep, folder.uri, yes) if as_json else garbage_lines(sweep, folder.uri, yes))
    return OK


@app.command("sheet")
def draw_sheet(
    job: Job,
    deliver: Deliver = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The sheet's file (default: CAMPAIGN.png).", show_default=False)
    ] = None,
    columns: Annotated[int | None, typer.Option("--columns", min=1, max=40, help="Pictures a line.")] = None,
) -> int:
    """Draw a campaign's pictures on one page, beside their references."""
    from brandpress.pipeline.review.contact_sheet import contact_sheet, reference_files, save
    from brandpress.pipeline.store.folder import open_campaign

    campaign, uri = _load(job, deliver)
    sheet = contact_sheet(open_campaign(uri, campaign.name), reference_files(campaign), columns)
    typer.echo(save(sheet, out or Path(f"{campaign.name}.png")))
    return OK


@app.command("models")
def list_models(
    get: Annotated[
        str | None,
        typer.Option("--get", metavar="NAME", help="Download its weights and print their folder.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> int:
    """Show the models of the family, and whether this machine has them."""
    from brandpress.pipeline.cli.models import get_model, models_json, show_models

    if get is not None:
        folder, note = get_model(get)
        if as_json:
            _tell({"name": get, "folder": folder and str(folder)})
        elif folder:
            typer.echo(folder)
        if note:
            typer.echo(note, err=True)
    elif as_json:
        typer.echo(json.dumps(models_json(), indent=2, ensure_ascii=False))
    else:
        show_models()
    return OK


def _load(job: Path, deliver: str | None) -> tuple[Campaign, str]:
    """The campaign, and the address that its pictures go to."""
    from brandpress.pipeline.spec.delivery import delivery_address
    from brandpress.pipeline.spec.load import load_campaign

    campaign = load_campaign(job)
    return campaign, campaign.deliver_uri if deliver is None else delivery_address(deliver)


def _tell(result: dict[str, Any] | Iterable[str]) -> None:
    """Prints plain values as JSON, or lines."""
    if isinstance(result, dict):
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        for line in result:
            typer.echo(line)


def _settled(uri: str, plan: Any, *, needed: bool) -> tuple[CompletedKeys | None, str | None]:
    """What of the plan the store has settled. A store out of reach is told, and an error only where it's needed."""
    from brandpress.pipeline.deliver.resume import completed_keys
    from brandpress.pipeline.plan.diff import RenderKeys
    from brandpress.pipeline.store.address import open_store
    from brandpress.pipeline.store.protocol import StoreError

    try:
        return completed_keys(open_store(uri), plan.campaign.name, RenderKeys(plan.variants)), None
    except StoreError as error:
        if needed:
            raise
        return None, str(error)


if __name__ == "__main__":
    main()
