"""The tests that need a GPU (`pytest -m gpu`), if pytest is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.row import Goal
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig

ABOUT = "`pytest -m gpu`: tests of small sizes that only a GPU can run."
SECONDS = 70
LIMIT = 60
ROOT = Path(__file__).parents[3]
PATHS = ("tests/gpu", "tests/model/inference/test_clock.py", "tests/model/network/test_fused.py")
"""The files with GPU tests. Others import packages that a bare machine lacks."""

OUTCOMES = ("passed", "failed", "skipped")


def measure(rig: Rig) -> Iterator[Figure]:
    if importlib.util.find_spec("pytest") is None:
        yield Figure("tests that need a GPU", "pytest isn't installed")
        return
    options = ["--collect-only"] if rig.tiny else []
    command = [sys.executable, "-m", "pytest", "-m", "gpu", *PATHS, "-p", "no:cacheprovider", "--tb=short", *options]
    # Leave the card's memory to the tests.
    rig.free()
    # Plugins aren't needed and are slow to load.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    try:
        completed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the tests took more than {LIMIT} s: {last_lines(error.stdout)}") from error
    if rig.tiny:
        count = len(re.findall(r"^\S+::", completed.stdout, re.MULTILINE))
        yield Figure("tests that need a GPU", count, "collected", Goal(1), must=True, note=note_of(completed))
        return
    counts = counts_of(completed.stdout)
    yield Figure("tests passed", counts["passed"], "", Goal(1), must=True, note=note_of(completed))
    failed = counts["failed"] + counts["errors"]
    yield Figure("tests failed", failed, "", Goal(0, False), must=True, note=", ".join(failures(completed.stdout)))
    yield Figure("tests skipped", counts["skipped"])


def counts_of(output: str) -> dict[str, int]:
    """Counts of tests passed, failed, skipped and with errors, from the last line of pytest's output."""
    last = (output.strip().splitlines() or [""])[-1]
    counts = dict.fromkeys((*OUTCOMES, "errors"), 0)
    for count, name in re.findall(r"(\d+) (passed|failed|skipped|error)", last):
        counts["errors" if name == "error" else name] = int(count)
    return counts


def failures(output: str) -> list[str]:
    """The tests that failed, each with the first line of its error."""
    return re.findall(r"^(?:FAILED|ERROR) (?:\S*/)?(.{1,300})", output, re.MULTILINE)


def note_of(completed: subprocess.CompletedProcess[str]) -> str:
    """Describes a failure of pytest itself; empty if it ran the tests (0: all passed, 1: some failed)."""
    return (
        ""
        if completed.returncode in (0, 1)
        else f"pytest ended with {completed.returncode}: {last_lines(completed.stdout)}"
    )


def last_lines(output: str | bytes | None, count: int = 3) -> str:
    text = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    return " / ".join(text.strip().splitlines()[-count:])
