"""Processes of their own: for memory, which no process gives back, and for Ray."""

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
    """What `python -m module` prints, as JSON. Its progress goes where ours goes. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    completed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    return json.loads(completed.stdout)


def print_figures(result: object) -> int:
    """Print a child's result; returns its exit code."""
    print(json.dumps(result))
    return 0


def log(line: str) -> None:
    """Progress, beside a result on the standard output."""
    print(line, file=sys.stderr, flush=True)


def with_workers() -> dict[str, str]:
    """The environment of a child whose Ray workers find these modules, have one thread each, and are no other Ray's."""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    return environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
