"""Reading pytest's output."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.figure import Figure
from tests.gpu.rig import Rig
from tests.gpu.sections import suite

OUTPUT = """..F.sE                                                     [100%]
=========================== short test summary info ============================
FAILED tests/gpu/test_on_gpu.py::test_float32_equals_the_cpu[cuda-dev] - assert 3 <= 1
ERROR tests/model/test_fused.py::test_softmax[5] - RuntimeError: no kernel
1 failed, 20 passed, 2 skipped, 3 deselected, 1 warning, 1 error in 12.34s
"""


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        (OUTPUT, (20, 1, 2, 1)),
        ("20 passed in 3.21s", (20, 0, 0, 0)),
        ("===== 2 passed, 3 errors in 1s =====", (2, 0, 0, 3)),
        ("no tests ran in 0.01s", (0, 0, 0, 0)),
        ("", (0, 0, 0, 0)),
    ],
)
def test_counts(output: str, counts: tuple[int, ...]) -> None:
    assert tuple(suite.counts_of(output)[name] for name in ("passed", "failed", "skipped", "errors")) == counts


def figures(tmp_path: Path, gpu: bool = True) -> dict[str, Figure]:
    rig = Rig(torch.device("cpu"), not gpu, tmp_path, print)
    return {figure.name: figure for figure in suite.measure(rig)}


def replace_pytest(patch: pytest.MonkeyPatch, output: str, code: int) -> list[list[str]]:
    """Replaces pytest by a process with this output and exit code. Returns the list of commands that are run."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, code, output, "")

    patch.setattr(subprocess, "run", run)
    return commands


def test_failed_tests_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [command] = [replace_pytest(monkeypatch, OUTPUT, 1)]
    by_name = figures(tmp_path)
    assert (by_name["tests passed"].value, by_name["tests skipped"].value) == (20, 2)
    assert by_name["tests failed"].value == 2 and by_name["tests failed"].wrong
    assert by_name["tests failed"].note == (
        "test_on_gpu.py::test_float32_equals_the_cpu[cuda-dev] - assert 3 <= 1, "
        "test_fused.py::test_softmax[5] - RuntimeError: no kernel"
    )
    assert "--collect-only" not in command[0]


def test_a_suite_without_tests_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_pytest(monkeypatch, "no tests ran in 0.01s", 5)
    assert figures(tmp_path)["tests passed"].wrong
    assert figures(tmp_path, gpu=False)["tests that need a GPU"].wrong


def test_a_missing_pytest_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    [figure] = figures(tmp_path).values()
    assert figure.value == "pytest isn't installed" and not figure.wrong


def test_a_timeout_ends_the_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def time_out(command: list[str], **options: Any) -> None:
        raise subprocess.TimeoutExpired(command, 60, output=b"..F\n")

    monkeypatch.setattr(subprocess, "run", time_out)
    with pytest.raises(RuntimeError, match=r"the tests took more than 60 s: \.\.F"):
        figures(tmp_path)
