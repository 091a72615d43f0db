"""Lets commands that render tell the address in a job's `on_finish:` how they ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from brandpress.pipeline.cli.exit_codes import exception_exit_code
from brandpress.pipeline.cli.log_options import LogFormat


def announced(command: Callable[..., int]) -> Callable[..., int]:
    """Wraps a command with the arguments `context` and `job`, which leaves its outcome in `context.obj.outcome`.

    Nothing is sent for `--plan-only`, nor for a command that ends without rendering and without an error.
    """

    @wraps(command)
    def wrapped(**arguments: Any) -> int:
        from brandpress.pipeline.run.finish_notice import finish_notice

        if arguments.get("plan_only"):
            return command(**arguments)
        warn = json_warning if arguments.get("log_format") is LogFormat.JSON else text_warning
        with finish_notice(arguments["job"], exception_exit_code, warn) as notice:
            code = command(**arguments)
            if (outcome := arguments["context"].obj.outcome) is not None:
                notice.finished(outcome, code)
            return code

    return wrapped


def text_warning(text: str) -> None:
    """Prints a warning on stderr, with the time if that is no terminal."""
    from brandpress.pipeline.cli.progress_lines import time_stamp
    from brandpress.pipeline.cli.text import printable

    time = "" if sys.stderr.isatty() else f"{time_stamp()} "
    typer.echo(f"{time}warning: {printable(text)}", err=True)


def json_warning(text: str) -> None:
    """Prints a warning as a line of the log."""
    from brandpress.pipeline.cli.log_json import print_log

    print_log("warning", "warning", text)
