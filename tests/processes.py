"""Starts drivers in separate processes, reads their events, and finds their worker processes."""

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
    """Start a driver in a separate process with its own Ray instance; kill it when the block ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(job), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=job.parent,
        env={
            **inherited,
            "DRIVER_OF": str(job),
            "BRANDPRESS_PASS_ENV": "DRIVER_OF, CHAOS_*",
            "PYTHONPATH": str(ROOT),
            **(environment or {}),
        },
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_events(process: subprocess.Popen[str]) -> Iterator[tuple[str, Any]]:
    """Yields (kind, value) for each event that a driver prints, as soon as it is printed."""
    assert process.stdout is not None
    for line in process.stdout:
        yield from json.loads(line).items()


def leftover_processes(folder: Path) -> list[str]:
    """Returns the command lines of running processes that belong to a driver which ran in `folder`."""
    return [command for _, command in _processes_of(folder)]


def worker_pids(folder: Path) -> list[int]:
    """Returns the process ids of the workers of a driver that runs in `folder`."""
    return sorted(pid for pid, command in _processes_of(folder) if command.startswith("ray::Worker"))


def _processes_of(folder: Path) -> Iterator[tuple[int, str]]:
    """Yields (pid, command line) of processes whose environment mentions `folder`; workers inherit their driver's."""
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and str(folder).encode() in (process / "environ").read_bytes():
                yield int(process.name), (process / "cmdline").read_text().replace("\0", " ").strip()
