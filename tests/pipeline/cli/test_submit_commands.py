"""What the commands for submitted jobs print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.log_options import LogFormat, LogOptions
from brandpress.pipeline.cli.submission_output import show_pending, show_silence
from brandpress.pipeline.run.submission import JobServer
from tests.job_server import job, job_server
from tests.reference_pages import code_in, section

ID = "brandpress-spring-0"
RUNNING = job(ID, "RUNNING", "Job is currently running.")
STOPPED = job(ID, "STOPPED", "Job was intentionally stopped.")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.run(list(words)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_job_that_hasnt_begun_is_told_as_the_log_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    show_pending(ID, "It waits for CPUs.", LogOptions(quiet=True))
    assert capsys.readouterr().err == ""
    show_pending(ID, "It waits for CPUs.", LogOptions())
    text = "waiting for the cluster to start the job: It waits for CPUs."
    assert capsys.readouterr().err[21:] == f"{text}\n"
    show_pending(ID, "It waits for CPUs.", LogOptions(format=LogFormat.JSON))
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["message"]) == ("job_pending", "info", text)
    keys = section("json.md", "Log").rows("key")
    assert set(line) - set(keys) == set(code_in(section("json.md", "Log").rows("event")["job_pending"][2]))


def test_a_silent_server_is_told_as_the_log_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    show_silence(ID, 10.2, LogOptions(quiet=True))
    text = "the job server hasn't answered for 10 s"
    assert capsys.readouterr().err[21:] == f"{text}\n"
    show_silence(ID, 10.2, LogOptions(format=LogFormat.JSON))
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["message"]) == ("job_server_silent", "warning", text)
    keys = section("json.md", "Log").rows("key")
    assert set(line) - set(keys) == set(code_in(section("json.md", "Log").rows("event")["job_server_silent"][2]))


def test_no_jobs_are_said_to_be_none(capsys: pytest.CaptureFixture[str]) -> None:
    with job_server() as address:
        assert run(capsys, "jobs", "--address", address) == "no jobs\n"
        assert json.loads(run(capsys, "jobs", "--address", address, "--json"))["jobs"] == []


@pytest.mark.parametrize(
    ("listed", "code", "shown"),
    [
        (RUNNING, None, "running"),
        (STOPPED, 130, "stopped, exit code 130"),
        (job(ID, "STOPPED", code=-15), 130, "stopped, exit code 130"),
        (job(ID, "FAILED"), 4, "failed, exit code 4"),
        (job(ID, "FAILED", code=3), 3, "failed, exit code 3"),
        (job(ID, "SUCCEEDED", code=0), 0, "succeeded"),
    ],
)
def test_exit_codes_are_those_of_the_commands(
    listed: dict[str, Any], code: int | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with job_server(listed) as address:
        (entry,) = json.loads(run(capsys, "jobs", "--address", address, "--json"))["jobs"]
        assert entry["exit_code"] == code
        assert run(capsys, "jobs", "--address", address).splitlines()[1].startswith(f"{ID}  {shown}  ")


def test_jobs_are_a_table_with_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    with job_server(RUNNING, job(f"{ID}-2", "FAILED", code=3)) as address:
        assert run(capsys, "jobs", "--address", address).splitlines() == [
            "id                     status               started               deliver",
            f"{ID}-2  failed, exit code 3  2027-01-15 08:00 UTC  s3://pictures",
            f"{ID}    running              2027-01-15 08:00 UTC  s3://pictures",
        ]


def test_waiting_that_is_interrupted_says_that_the_job_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> Iterator[str]:
        yield "4 pictures"
        raise KeyboardInterrupt

    monkeypatch.setattr(JobServer, "follow", interrupt)
    with job_server(RUNNING) as address:
        assert cli.run(["logs", ID, "--follow", "--address", address]) == 130
    assert capsys.readouterr().err == f"the job goes on; `brandpress stop {ID}` ends it\n"


def test_a_job_is_asked_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    with job_server(RUNNING) as address:
        assert run(capsys, "stop", ID, "--address", address) == (
            f"{ID}: asked to end; `brandpress logs {ID} --follow` waits until it has\n"
        )
        printed = json.loads(run(capsys, "stop", ID, "--address", address, "--json"))
        assert (printed["status"], printed["message"], printed["exit_code"]) == ("running", "asked to end", None)


def test_a_job_that_has_ended_meanwhile_is_said_to_have(capsys: pytest.CaptureFixture[str]) -> None:
    with job_server(RUNNING, stopped=STOPPED) as address:
        assert run(capsys, "stop", ID, "--address", address) == f"{ID}: has ended: stopped, exit code 130\n"
        printed = json.loads(run(capsys, "stop", ID, "--address", address, "--json"))
        assert (printed["status"], printed["message"]) == ("stopped", "Job was intentionally stopped.")
        assert printed["exit_code"] == 130
