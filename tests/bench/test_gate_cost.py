"""The benchmark of a quality gate's cost runs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.processes import ROOT


@pytest.mark.slow
def test_runs_with_and_without_a_gate_are_compared() -> None:
    command = [sys.executable, "-m", "tests.bench.gate_cost", "--pictures", "2", "--seconds", "0"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(
        r"^2 pictures of 0 s: [\d.]+ s without a gate, [\d.]+ s with it: [+-][\d.]+%", printed, re.MULTILINE
    )
