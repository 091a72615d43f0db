"""How commands that run for long report on stderr what happens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

import typer


class LogFormat(StrEnum):
    """The form of what happens during a run, on stderr."""

    TEXT = "text"
    JSON = "json"


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show only warnings and errors while it runs, and the summary.")
]
Format = Annotated[
    LogFormat,
    typer.Option(
        "--log-format",
        metavar="FORMAT",
        help="What stderr shows while it runs: text (a live display on a terminal, lines elsewhere) or json.",
    ),
]


@dataclass(frozen=True, slots=True)
class LogOptions:
    """quiet: leave out everything but warnings and errors. format: of what is left."""

    quiet: bool = False
    format: LogFormat = LogFormat.TEXT

    @property
    def words(self) -> tuple[str, ...]:
        """The options as words of a command line; none for the defaults."""
        quiet = ("--quiet",) if self.quiet else ()
        return (*quiet, *(() if self.format is LogFormat.TEXT else ("--log-format", self.format.value)))


def asks_for_json(words: list[str]) -> bool:
    """Whether a command line has `--log-format json`, before it's parsed: its mistakes are reported that way, too."""
    return "--log-format=json" in words or ("--log-format", "json") in pairwise(words)
