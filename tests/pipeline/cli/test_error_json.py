"""Errors as JSON: with `--json`, stdout has exactly one JSON value, whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.error_json import problem_json
from brandpress.pipeline.spec.problem import Problem

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]


def failed(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Returns a command's exit code, its error, and what it printed on stderr."""
    code = cli.run([*arguments, "--json"])
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert list(values) == ["schema", "error"]
    assert values["schema"] == "brandpress.error/1"
    return code, values["error"], output.err


def test_mistakes_in_a_job_are_listed(corpus: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus / "bad" / "wrong-product")
    code, error, stderr = failed(capsys, "plan", "job.yaml")
    assert (code, error["exit_code"]) == (1, 1)
    [problem] = error["problems"]
    assert (problem["file"], problem["line"], problem["column"], problem["suggestion"]) == ("job.yaml", 5, 13, "'mug'")
    assert problem["message"] == error["message"] == stderr.strip()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("plan",), 1, "Missing argument 'JOB'"),
        (("plna", "x.yaml"), 1, "No such command 'plna'"),
        (("sheet", "x.yaml"), 1, "No such option: --json"),
        (("schedule", "x.yaml"), 1, "--json needs --list"),
        (("plan", "<good>", "--deliver", "gs://assets"), 1, "--deliver: 'gs://' isn't a kind of store"),
        (("plan", "<good>", "--markdown"), 1, "--markdown: --json prints something else"),
        (("verify", "<good>", "--deliver", "<out>"), 4, "nothing is published here yet"),
    ],
)
def test_other_errors_have_no_problems(
    arguments: tuple[str, ...], exit_code: int, message: str, corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    places = {"<good>": str(corpus / "good" / "design.yaml"), "<out>": str(tmp_path)}
    code, error, stderr = failed(capsys, *(places.get(argument, argument) for argument in arguments))
    assert (code, error["exit_code"], error["problems"]) == (exit_code, exit_code, [])
    assert message in error["message"]
    assert message.split("'")[0] in stderr


@pytest.mark.parametrize(
    ("cause", "exit_code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("oh"), 1, "ValueError: oh (this was not foreseen; --debug shows where it happened)"),
        (ValueError("https://user:hush@host"), 1, "ValueError: https://"),
    ],
)
def test_interruptions_and_unforeseen_errors(
    cause: BaseException, exit_code: int, message: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *, locked: bool) -> None:
        raise cause

    monkeypatch.setattr("brandpress.pipeline.plan.validate.validate", fail)
    code, error, stderr = failed(capsys, "validate", "job.yaml")
    assert (code, error["exit_code"]) == (exit_code, exit_code)
    assert error["message"].startswith(message)
    assert error["message"] in stderr
    assert "hush" not in error["message"]


def test_without_json_an_error_is_only_text(capsys: Capture) -> None:
    assert cli.run(["plan", "none.yaml"]) == 1
    assert capsys.readouterr().out == ""
    assert cli.run(["plan", "--", "--json"]) == 1
    assert capsys.readouterr().out == ""


def test_nobody_reads_the_error() -> None:
    """A closed pipe changes neither the exit code nor what stderr says."""
    plan = f"{sys.executable} -m brandpress.pipeline.cli plan none.yaml --json"
    script = f"set -o pipefail; {{ {plan}; echo $? >&2; }} | true"
    completed = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    message, code = completed.stderr.splitlines()
    assert (code, message.startswith("none.yaml: there is no such file")) == ("1", True)


def test_a_full_disk_is_no_traceback() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "brandpress.pipeline.cli", "plan", "none.yaml", "--json"]
        completed = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert completed.returncode == 1
    assert completed.stderr.startswith("none.yaml: there is no such file")
    assert len(completed.stderr.splitlines()) == 1


def test_a_problem_in_a_feed_names_its_column() -> None:
    values = problem_json(Problem("feed.csv", 4, 3, "isn't a picture", "allowed: PNG", field="image_link"))
    assert (values["line"], values["column"], values["field"]) == (4, 3, "image_link")
    assert values["message"] == "feed.csv:4:image_link: isn't a picture; allowed: PNG"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["render", "none.yaml"], 1, "none.yaml: there is no such file"),
        (["render", "--nope"], 1, "--nope"),
        (["schedule", "none.yaml", "--once", "--json"], 1, "--json needs --list"),
    ],
)
def test_an_error_is_a_line_of_a_log_in_json(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*words, "--log-format", "json"]) == code
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["event"], line["exit_code"]) == ("error", "error", code)
    assert message in line["message"]
