"""What a submitted job prints, without the lines that Ray itself writes into its output."""

from __future__ import annotations

import re

_OF_RAY = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\tINFO job_manager\.py:\d+ -- ")
"""How lines of Ray's job manager begin that say nothing to worry about. Its warnings and errors are shown."""


class JobOutput:
    """Takes a job's output in pieces, and returns it in whole lines."""

    def __init__(self) -> None:
        self._unfinished = ""

    def shown(self, piece: str) -> str:
        """Returns the lines that this piece completes, without Ray's."""
        *lines, self._unfinished = (self._unfinished + piece).split("\n")
        return "".join(f"{line}\n" for line in lines if not _OF_RAY.match(line))

    def rest(self) -> str:
        """Returns the last line if it never ended."""
        rest, self._unfinished = self._unfinished, ""
        return "" if _OF_RAY.match(rest) else rest
