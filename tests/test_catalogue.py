"""Runs the commands of docs/catalogue.md, with nano, and compares what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli

PAGE = (Path(__file__).parents[1] / "docs" / "catalogue.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"[|<>;&]")


@dataclass(frozen=True)
class Step:
    """A file to write, or a command with what it prints; `…` stands for any text."""

    file: str = ""
    command: str = ""
    text: str = ""


def steps() -> Iterator[Step]:
    """Yields the page's steps in order."""
    for kind, block in BLOCKS:
        if kind == "console":
            for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, output = command.partition("\n")
                yield Step(command=line, text=output)
        else:
            path = re.match(r"# (\S+)\n", block)
            assert path is not None, f"a file begins with its path as a comment: {block[:40]}"
            yield Step(file=path[1], text=block)


STEPS = list(steps())
FIRST_RENDERING = next(i for i, step in enumerate(STEPS) if step.command.startswith("brandpress render"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory; `python` is this one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path


def test_all_up_to_the_first_rendering(folder: Path) -> None:
    follow(STEPS[:FIRST_RENDERING])


@pytest.mark.slow
def test_the_whole_page(folder: Path) -> None:
    """Renders 27 pictures in four runs."""
    follow(STEPS)


def follow(steps: list[Step]) -> None:
    code = 0
    for step in steps:
        if step.file:
            Path(step.file).write_text(step.text)
        elif step.command == "echo $?":
            assert step.text == f"{code}\n"
        else:
            code, printed = run(step.command)
            assert is_as_shown(printed, step.text), f"$ {step.command}\n{printed}"


def run(command: str) -> tuple[int, str]:
    """Returns a command's exit code and all that it prints."""
    if not command.startswith("brandpress ") or SHELL.search(command):
        completed = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120, check=False)
        return completed.returncode, completed.stdout + completed.stderr
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        code = cli.run(shlex.split(command)[1:])
    return code, printed.getvalue()


def is_as_shown(printed: str, shown: str) -> bool:
    """Whether a text is the shown one, in which `…` stands for any text; blanks at the ends of lines don't count."""
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("…"))
    return re.fullmatch(pattern, lines, re.DOTALL) is not None


def test_what_is_shown_has_to_be_printed() -> None:
    """A test of this file's own comparison."""
    assert is_as_shown("3 done \n\nin 5 s\n", "3 done\n\nin …\n")
    assert not is_as_shown("3 done\n", "4 done\n")
    assert not is_as_shown("3 done\n", "…\n4 done\n")
