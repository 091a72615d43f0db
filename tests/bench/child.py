"""Child processes: for measuring memory, which a process never fully releases, and for Ray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def run_child(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> Any:
    """Runs `python -m module` and returns the JSON that it prints. stderr is inherited. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    completed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    return json.loads(completed.stdout)


def print_figures(result: object) -> int:
    """Prints a child's result as JSON and returns exit code 0."""
    print(json.dumps(result))
    return 0


def log(line: str) -> None:
    """Prints progress to stderr, because stdout is for the result."""
    print(line, file=sys.stderr, flush=True)


def worker_environment() -> dict[str, str]:
    """Returns the environment of a child that starts its own Ray, with one thread per worker and these modules."""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
