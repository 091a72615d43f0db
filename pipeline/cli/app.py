"""The command line: every command parses, calls and prints; `text` and `json_output` hold the output.

Exit codes: 0 done, 1 invalid input (nothing was rendered), 2 `plan --check` found work, 3 some variants failed or
`verify`, `sheet` or `measure` found missing or changed objects, 4 nothing could be rendered or downloaded, 5 another
run is at work, 130 interrupted, 141 stdout was closed. With `--json`, an error is also printed on stdout, as JSON. Each
command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from brandpress.model.errors import BrandpressError
from brandpress.model.redaction import redacted
from brandpress.pipeline.cli import (
    campaign_commands,
    decision_commands,
    export_commands,
    page_commands,
    provenance_commands,
    review_commands,
    run_commands,
    start_commands,
    store_commands,
    submit_commands,
)
from brandpress.pipeline.cli.exit_codes import (
    FAILED,
    INTERRUPTED,
    INVALID,
    OK,
    PIPE_CLOSED,
    error_exit_code,
)
from brandpress.pipeline.cli.log_options import asks_for_json
from brandpress.pipeline.cli.plain_help import PlainCommand
from brandpress.pipeline.cli.streams import accept_any_text, discard_stdout
from brandpress.pipeline.render.cause import cause_of

if TYPE_CHECKING:
    from brandpress.pipeline.spec.problem import Problem

app = typer.Typer(
    name="brandpress",
    help="Renders consistent pictures from brand specs and campaign jobs into object storage.",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@dataclass
class Invocation:
    """What one command line asks for besides its command, and how far it got.

    renderer: `module:function` that loads the renderer for `render`; None for the model's. as_json: whether errors are
    printed as JSON, too. logs_json: whether stderr is a log in JSON. started, finished: whether rendering has begun,
    and whether it has ended with an outcome. outcome: as `render --json` prints it. interruption: what is said if it's
    interrupted.
    """

    renderer: str | None = None
    debug: bool = False
    as_json: bool = False
    logs_json: bool = False
    started: bool = False
    finished: bool = False
    outcome: dict[str, Any] | None = None
    interruption: str = "interrupted"


def run(arguments: Sequence[str] | None = None, *, renderer: str | None = None) -> int:
    """Runs one command line and returns its exit code. Errors are printed as one message; only --debug adds tracebacks.

    renderer: `module:function` that loads the renderer for `render`; default: the model's.
    """
    accept_any_text()
    words = list(sys.argv[1:] if arguments is None else arguments)
    before = _before_separator(words)
    invocation = Invocation(renderer, as_json="--json" in before, logs_json=asks_for_json(before))
    try:
        code = app(_with_debug_first(words), prog_name="brandpress", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
        if code == INTERRUPTED and not invocation.finished:  # typer returns this code instead of raising
            return _interrupted(invocation)
        return code if isinstance(code, int) else OK
    except BrandpressError as error:
        return _report(str(error), error_exit_code(error), invocation, _problems_of(error))
    except typer.TyperException as error:
        if invocation.logs_json:
            _log_error(error.format_message(), INVALID)
        else:
            cast(
                Any, error
            ).show()  # a wrong command line; `show`, which prints the usage, isn't a public type of typer
        return _print_json_error(error.format_message(), INVALID, invocation)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(invocation)
    except SystemExit as stop:  # typer's and rich's answer to an interruption and to a closed pipe
        if stop.code == INTERRUPTED:
            return _interrupted(invocation)
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
        message = f"{cause_of(error).text} (this was not foreseen; --debug shows where it happened)"
        return _report(message, FAILED if invocation.started else INVALID, invocation)


def _report(message: str, code: int, invocation: Invocation, problems: Sequence[Problem] = ()) -> int:
    if invocation.debug:
        typer.echo(redacted(traceback.format_exc()), err=True)
    from brandpress.pipeline.cli.text import printable

    if invocation.logs_json:
        _log_error(message, code)
    else:
        typer.echo(printable(message), err=True)  # it may quote what others wrote into the store
    return _print_json_error(message, code, invocation, problems)


def _log_error(message: str, code: int) -> None:
    from brandpress.pipeline.cli.log_json import print_log

    print_log("error", "error", message, exit_code=code)


def _print_json_error(message: str, code: int, invocation: Invocation, problems: Sequence[Problem] = ()) -> int:
    """Prints an error as JSON on stdout if the command line has --json. Returns the exit code."""
    if invocation.as_json:
        from brandpress.pipeline.cli.error_json import error_json
        from brandpress.pipeline.cli.json_output import print_json

        try:
            print_json(error_json(message, code, problems))
        except OSError:  # nobody reads it, or there's no space for it
            discard_stdout()
    return code


def _problems_of(error: BrandpressError) -> Sequence[Problem]:
    from brandpress.pipeline.spec.problem import SpecError

    return error.problems if isinstance(error, SpecError) else ()


def _interrupted(invocation: Invocation) -> int:
    if invocation.logs_json:
        _log_error(invocation.interruption, INTERRUPTED)
    else:
        typer.echo(invocation.interruption, err=True)
    return _print_json_error(invocation.interruption, INTERRUPTED, invocation)


def _is_closed_pipe(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _before_separator(words: list[str]) -> list[str]:
    """Returns the words that can be options: those before `--`."""
    return words[: words.index("--")] if "--" in words else words


def _with_debug_first(words: list[str]) -> list[str]:
    """Returns the arguments with --debug in front, where it's read: users write it behind the command."""
    before = _before_separator(words)
    if "--debug" not in before:
        return words
    return ["--debug", *(word for word in before if word != "--debug"), *words[len(before) :]]


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


COMMANDS: dict[str, Callable[..., int]] = {
    "init": start_commands.start_project,
    "validate": campaign_commands.validate_files,
    "plan": campaign_commands.plan_job,
    "lock": campaign_commands.lock_job,
    "render": campaign_commands.render_job,
    "status": store_commands.show_status,
    "verify": store_commands.verify_job,
    "rollback": store_commands.roll_back,
    "clean": store_commands.clean_job,
    "sheet": store_commands.draw_sheet,
    "review": page_commands.review_job,
    "approve": decision_commands.approve_pictures,
    "reject": decision_commands.reject_pictures,
    "pick": decision_commands.pick_pictures,
    "marks": provenance_commands.show_marks,
    "reproduce": provenance_commands.reproduce_picture,
    "decide": page_commands.decide_job,
    "report": page_commands.report_job,
    "measure": review_commands.measure_job,
    "calibrate": review_commands.calibrate_job,
    "models": campaign_commands.show_models,
    "schema": start_commands.print_schema,
    "schedule": run_commands.schedule_jobs,
    "submit": submit_commands.submit_job,
    "regenerate": run_commands.regenerate_job,
    "jobs": submit_commands.list_jobs,
    "logs": submit_commands.show_logs,
    "stop": submit_commands.stop_job,
}
for name, command in COMMANDS.items():
    app.command(name, cls=PlainCommand)(command)
app.command("cancel", hidden=True, cls=PlainCommand)(submit_commands.stop_job)
app.add_typer(export_commands.export_app, name="export")
