"""Drivers as processes of their own, and what can be found of them and their workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@contextmanager
def driver(
    job: Path, *arguments: str, environment: Mapping[str, str] | None = None, module: str = "tests.drive"
) -> Iterator[subprocess.Popen[str]]:
    """A driver in a process of its own, with a Ray of its own; killed when the block ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(job), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=job.parent,
        env={**inherited, "DRIVER_OF": str(job), "PYTHONPATH": str(ROOT), **(environment or {})},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str]) -> Iterator[tuple[str, Any]]:
    """What a driver says, as it says it."""
    assert process.stdout is not None
    for line in process.stdout:
        yield from json.loads(line).items()


def left_behind(folder: Path) -> list[str]:
    """Processes that still have something of `folder` in their environment: workers of a driver that ran there."""
    return [command for _, command in _of(folder)]


def workers_of(folder: Path) -> list[int]:
    """The process ids of the workers of a driver that runs in `folder`."""
    return sorted(number for number, command in _of(folder) if command.startswith("ray::Worker"))


def _of(folder: Path) -> Iterator[tuple[int, str]]:
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and str(folder).encode() in (process / "environ").read_bytes():
                yield int(process.name), (process / "cmdline").read_text().replace("\0", " ").strip()
