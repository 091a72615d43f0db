"""The check as a command, at small sizes, with only torch and transformers installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.bench.row import Goal
from tests.gpu import __main__ as check
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig

ROOT = Path(__file__).parents[2]
NOT_INSTALLED = ("boto3", "botocore", "diffusers", "hypothesis", "pydantic", "ray", "resvg_py", "rich", "typer")
"""Packages that a GPU machine may lack: our dependencies and those of our tests, but not of torch or transformers."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without the packages in NOT_INSTALLED."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({NOT_INSTALLED!r}))\n")
    return os.environ | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("sections", "min_figures"),
    [
        pytest.param(["klein", "company", "exhaustion", "suite"], 25, id="few", marks=pytest.mark.slow),
        pytest.param(list(check.SECTIONS), 50, id="all", marks=pytest.mark.slow),
    ],
)
def test_every_section_finishes_with_correct_figures(
    bare: dict[str, str], tmp_path: Path, sections: list[str], min_figures: int
) -> None:
    """At small sizes. The section `suite` only collects the GPU tests."""
    command = [sys.executable, "-m", "tests.gpu", "--cpu-tiny", "--out", str(tmp_path), "--only", ",".join(sections)]
    completed = subprocess.run(command, cwd=ROOT, env=bare, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    results = parse_strictly((tmp_path / "results.json").read_text())
    assert [section["key"] for section in results["sections"]] == sections
    assert {section["status"] for section in results["sections"]} == {"done"}
    assert results["tiny"] and results["machine"]["device"] == "CPU"
    figures = [figure for section in results["sections"] for figure in section["figures"]]
    assert len(figures) > min_figures
    assert all(figure["met"] is not False for figure in figures)
    assert not any("diffusers" in figure["name"] for figure in figures)
    text = (tmp_path / "gpu.md").read_text()
    assert "**Small sizes on a CPU" in text
    assert all(f"## {key}\n" in text for key in sections)
    assert parse_strictly((tmp_path / "gpu.json").read_text()) == results | {"notes": []}


def parse_strictly(text: str) -> Any:
    """Parses JSON. Fails on NaN and Infinity, which only Python accepts."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} isn't JSON")

    return json.loads(text, parse_constant=refuse)


def section(figures: Iterator[Figure], seconds: float = 60) -> Any:
    """Returns a replacement for a section's module."""
    return SimpleNamespace(ABOUT="A section.", SECONDS=seconds, measure=lambda rig: figures)


def good() -> Iterator[Figure]:
    yield Figure("a figure", 1.0)


def breaks() -> Iterator[Figure]:
    yield Figure("before", 1.0)
    raise RuntimeError("no such kernel")


def slow() -> Iterator[Figure]:
    yield Figure("a goal of speed", 1.0, goal=Goal(2))
    while True:
        pass


def wrong() -> Iterator[Figure]:
    yield Figure("pictures", 9.0, "levels", Goal(1, at_least=False), must=True)


def test_a_section_that_fails_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sections = {"a": section(good()), "b": section(breaks()), "c": section(slow(), 0.3), "d": section(wrong())}
    results, code = run(tmp_path, monkeypatch, sections | {"e": section(good())})
    assert code == 1
    assert [one["status"] for one in results["sections"]] == ["done", "failed", "out of time", "done", "done"]
    assert [len(one["figures"]) for one in results["sections"]] == [1] * 5, "figures measured until then are kept"
    assert results["sections"][1]["cause"].endswith("RuntimeError: no such kernel\n")
    failure = r"^\*\*failed\*\* after \d+ s: RuntimeError: no such kernel$"
    assert re.search(failure, (tmp_path / "gpu.md").read_text(), re.MULTILINE)
    assert "MISS pictures: 9 levels (goal ≤ 1)" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code"), [("good", 0), ("breaks", 1), ("slow", 1), ("wrong", 1)])
def test_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    figures = {"good": good, "breaks": breaks, "slow": slow, "wrong": wrong}[name]
    assert run(tmp_path, monkeypatch, {"a": section(figures(), 0.3)})[1] == code


def test_a_section_without_time_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, code = run(tmp_path, monkeypatch, {"a": section(good())}, "--seconds", "2")
    assert [(one["status"], one["cause"]) for one in results["sections"]] == [("left out", "no time was left")]
    assert code == 1, "nothing was checked"


@pytest.mark.slow
def test_the_check_ends_if_a_section_never_returns(tmp_path: Path) -> None:
    """A deadline can't interrupt a call into C. Here the section blocks the deadline's signal."""
    code = (
        "import signal, sys, time\n"
        "from types import SimpleNamespace\n"
        "from tests.gpu import __main__ as check\n"
        "def hang(rig):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "    time.sleep(600)\n"
        "    yield\n"
        "check.GRACE = 0\n"
        "check.SECTIONS = {'a': SimpleNamespace(ABOUT='A section.', SECONDS=60, measure=hang)}\n"
        f"sys.argv = ['tests.gpu', '--cpu-tiny', '--seconds', '6', '--only', 'a', '--out', {str(tmp_path)!r}]\n"
        "sys.exit(check.main())\n"
    )
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert completed.returncode == 1
    [results] = parse_strictly((tmp_path / "results.json").read_text())["sections"]
    assert (results["status"], results["cause"]) == ("out of time", "it didn't return; the check was ended")


def test_a_broken_device_loses_no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some CUDA errors every call to the device fails."""

    def fail(rig: Rig) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def break_device() -> Iterator[Figure]:
        monkeypatch.setattr(Rig, "free", fail)
        yield Figure("before", 1.0)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    results, code = run(
        tmp_path, monkeypatch, {"a": section(good()), "b": section(break_device()), "c": section(good())}
    )
    assert code == 1
    assert [one["status"] for one in results["sections"]] == ["done", "failed", "failed"]


def test_a_documents_other_sections_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, monkeypatch, {"a": section(good()), "b": section(breaks())})
    run(tmp_path, monkeypatch, {"a": section(good()), "b": section(good())}, "--only", "b")
    assert [one["key"] for one in parse_strictly((tmp_path / "results.json").read_text())["sections"]] == ["b"]
    sections = parse_strictly((tmp_path / "gpu.json").read_text())["sections"]
    assert [(one["key"], one["status"]) for one in sections] == [("b", "done"), ("a", "done")]


def run(folder: Path, patch: pytest.MonkeyPatch, sections: dict[str, Any], *options: str) -> tuple[dict[str, Any], int]:
    """Runs the command in this process with other sections."""
    patch.setattr(check, "SECTIONS", sections)
    patch.setattr(sys, "argv", ["tests.gpu", "--cpu-tiny", "--out", str(folder), *options])
    code = check.main()
    return parse_strictly((folder / "results.json").read_text()), code


def test_unknown_sections_are_rejected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["tests.gpu", "--only", "klein,clein"])
    with pytest.raises(SystemExit):
        check.parse()
    assert "clein: there are ceilings, pictures" in capsys.readouterr().err


def test_small_sizes_have_no_goals_of_speed(tmp_path: Path) -> None:
    figures = iter([Figure("speed", 1.0, goal=Goal(2)), Figure("right", 1.0, goal=Goal(1), must=True)])
    rig = Rig(torch.device("cpu"), True, tmp_path, lambda line: None)
    finished = check.run("a", section(figures), rig, 60)
    assert [figure.goal for figure in finished.figures] == [None, Goal(1)]
