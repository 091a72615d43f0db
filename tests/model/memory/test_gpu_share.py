"""Workers that share a GPU know how much was free before any of them loaded a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from brandpress.model.memory import gpu_share
from brandpress.model.memory.gpu_share import most_free

WORKER = """
import sys
from pathlib import Path
from brandpress.model.memory import gpu_share
gpu_share.FOLDER = Path(sys.argv[1])
print(gpu_share.most_free("GPU-1", int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def worker(folder: Path, free: int) -> tuple[subprocess.Popen[str], int]:
    """Starts a process that holds its lock until its input ends. Returns it and the free bytes that it reports."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder), str(free)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("")
    assert process.returncode == 0


def test_a_worker_knows_what_was_free_before_another_one_loaded(tmp_path: Path) -> None:
    """So does a worker that replaces one that has ended. A new run starts from scratch."""
    first, free = worker(tmp_path, 70)
    assert free == 70
    second, free = worker(tmp_path, 35)
    assert free == 70
    end(first)
    third, free = worker(tmp_path, 34)
    assert free == 70
    end(second)
    end(third)
    last, free = worker(tmp_path, 20)
    assert free == 20
    end(last)


def test_an_unwritable_folder_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_share, "FOLDER", tmp_path / "none")
    assert most_free("GPU-1", 5) == 5


def test_a_process_that_measures_again_can_see_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_share, "FOLDER", tmp_path)
    assert [most_free("GPU-2", free) for free in (5, 9, 7)] == [5, 9, 9]
