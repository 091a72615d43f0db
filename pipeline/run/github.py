"""What GitHub Actions reads: annotations at the place of a problem, a step's outputs, and its summary."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.problem import Problem

MAX_ANNOTATIONS = 10
"""GitHub shows at most ten errors of a step."""
MAX_SUMMARY_BYTES = 1 << 20


def is_github() -> bool:
    """Whether this process is a step of a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation_lines(problems: Iterable[Problem], level: str = "error") -> Iterator[str]:
    """Yields workflow commands that show problems where they are. Paths are relative to the repository."""
    for problem in list(problems)[:MAX_ANNOTATIONS]:
        place = {"file": in_repository(problem.file), "line": str(problem.line), "col": str(problem.column)}
        properties = ",".join(f"{name}={escaped(value, ':,')}" for name, value in place.items())
        yield f"::{level} {properties},title=brandpress::{escaped(problem.text)}"


def in_repository(file: str) -> str:
    """Returns a path relative to the checkout in CI, or to the working directory; unchanged if it's elsewhere."""
    root = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR") or "."
    relative = os.path.relpath(Path(file).absolute(), Path(root).absolute())
    return file if relative.startswith("..") else Path(relative).as_posix()


def escaped(text: str, more: str = "") -> str:
    """Returns a text for a workflow command. more: further characters to escape, as in its properties."""
    return re.sub(rf"[%\r\n{more}]", lambda match: f"%{ord(match[0]):02X}", text)


def write_outputs(outputs: Mapping[str, object], file: Path) -> None:
    """Appends `name=value` lines, as GITHUB_OUTPUT and GitLab's dotenv reports have them. Raises RequestError."""
    lines = [f"{name}={' '.join(str('' if value is None else value).split())}\n" for name, value in outputs.items()]
    _append(file, "".join(lines))


def write_summary(markdown: str, file: Path) -> None:
    """Appends Markdown to a step's summary, cut to what GitHub takes. Raises RequestError."""
    data = markdown.encode()
    if len(data) > MAX_SUMMARY_BYTES:
        data = data[: MAX_SUMMARY_BYTES - 100].rpartition(b"\n")[0] + b"\n\n(cut)\n"
    _append(file, data.decode("utf-8", "ignore"))


def _append(file: Path, text: str) -> None:
    try:
        with file.open("a", encoding="utf-8", newline="") as opened:
            opened.write(text)
    except OSError as error:
        raise RequestError(f"{file} can't be written: {error.strerror or error}") from None
