"""Submitting to a real Ray head with its job server behind a token."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.run import submission
from brandpress.pipeline.run.bundle import plan_digest
from brandpress.pipeline.run.job_server_error import JobServerError
from brandpress.pipeline.run.submission import JobServer, Submission, exit_code_of
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import write_campaign
from tests.job_server import job, job_server
from tests.ray_head import RayHead, ray_head
from tests.ray_nodes import free_port


@pytest.mark.parametrize("address", ["127.0.0.1:8265", "ray://host:10001", "http://", "http://user:word@host:8265", ""])
def test_other_addresses_are_errors(address: str) -> None:
    with pytest.raises(RequestError, match=r"--address: .* is no address of a job server; allowed: http://HOST:8265"):
        JobServer(address)


def test_a_server_that_isnt_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://192.0.2.1:8265")  # Ray would prefer it
    port = free_port()
    with pytest.raises(JobServerError, match=f"^the job server at http://127.0.0.1:{port} can't be reached; check "):
        JobServer(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("status", "exit_code", "expected"),
    [
        ("SUCCEEDED", 0, 0),
        ("FAILED", 3, 3),
        ("FAILED", 5, 5),
        ("FAILED", None, 4),
        ("FAILED", -9, 4),
        ("STOPPED", -15, 130),
    ],
)
def test_the_exit_code_is_that_of_render(status: str, exit_code: int | None, expected: int) -> None:
    assert exit_code_of(Submission("brandpress-spring-0", "spring", status, exit_code=exit_code)) == expected


def test_a_lock_that_isnt_there_is_an_error_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, model="nano")
    words = ["submit", str(job), "--address", f"http://127.0.0.1:{free_port()}", "--locked"]
    assert cli.run(words) == 1
    assert (
        f"--locked: there is no {job.with_suffix('.lock')}; write it with `brandpress lock" in capsys.readouterr().err
    )
    job.with_suffix(".lock").write_text("{}")
    assert cli.run(words) == 4
    assert "can't be reached" in capsys.readouterr().err


def test_a_misspelt_model_is_refused_before_the_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 1, model="nanno")
    assert cli.run(["submit", str(job), "--address", f"http://127.0.0.1:{free_port()}"]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"{job}:1:") and message.endswith("; did you mean nano?\n"), message


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("scene:scene7", "no variant matches; the axis 'scene' has no value 'scene7'; did you mean 'scene00'?"),
        ("scen:scene00", "there is no key 'scen'; allowed: "),
        ("state:nwe", "there is no state 'nwe'; allowed: "),
        ("nothing/*", "no variant matches; `brandpress plan` lists the variants"),
    ],
)
def test_a_selection_is_checked_before_the_server_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], term: str, message: str
) -> None:
    words = ["submit", str(write_campaign(tmp_path, 1, model="nano")), "--address", f"http://127.0.0.1:{free_port()}"]
    assert cli.run([*words, "--select", term]) == 1
    assert message in capsys.readouterr().err
    assert cli.run([*words, "--select", "product:mug", "--select", "seed:99", "--select", "state:new"]) == 4
    assert "can't be reached" in capsys.readouterr().err


def test_a_token_file_that_isnt_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    authentication = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(file)}
    environment = {name: value for name, value in os.environ.items() if name != "RAY_AUTH_TOKEN"} | authentication
    code, _, err = run(environment, "jobs", "--address", f"http://127.0.0.1:{free_port()}")
    assert code == 4
    assert err.startswith(f"RAY_AUTH_TOKEN_PATH: {file} can't be read or is empty; set RAY_AUTH_TOKEN, or RAY_AUTH_")


def test_a_job_that_hasnt_begun_is_told_after_a_while_and_again() -> None:
    lines: list[tuple[float, str]] = []
    now = 0.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 140:
            raise KeyboardInterrupt

    pending = job("brandpress-spring-0", "PENDING", "It may be waiting for resources.")
    with job_server(pending) as address, pytest.raises(KeyboardInterrupt):
        following = JobServer(address).follow(
            "brandpress-spring-0", wait, lambda: now, lambda reason: lines.append((now, reason))
        )
        assert list(following) == []
    assert lines == [(moment, "It may be waiting for resources.") for moment in (10.0, 70.0, 130.0)]


def test_a_server_that_stops_answering_is_told_instead_of_its_last_answer() -> None:
    lines: list[str] = []
    now, server = 0.0, ExitStack()
    address = server.enter_context(job_server(job("brandpress-spring-0", "PENDING", "It may wait.")))
    client = JobServer(address)

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now == 12:
            server.close()

    following = client.follow(
        "brandpress-spring-0",
        wait,
        lambda: now,
        lines.append,
        lambda seconds: lines.append(f"silent for {seconds:g} s"),
    )
    with pytest.raises(JobServerError, match=r"can't be reached; .*; the job may still be running; `brandpress logs "):
        list(following)
    assert lines == ["It may wait.", "silent for 12 s", "silent for 72 s"]


def test_a_connection_that_is_lost_without_notice_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a laptop's sleep. The stand-in keeps the first connection open and silent, as no real server does."""
    monkeypatch.setattr(submission, "QUIET_SECONDS", 0.5)
    with job_server(job("brandpress-spring-0", "RUNNING"), tails=("first\nsec", "first\nsecond\nthird")) as address:
        following = JobServer(address).follow("brandpress-spring-0", wait=lambda seconds: None)
        assert list(following) == ["first\n", "second\n", "third"]


def test_an_ended_job_whose_output_cant_be_followed_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy may let nothing through."""
    monkeypatch.setattr(submission, "QUIET_SECONDS", 0.5)
    with job_server(job("brandpress-spring-0", "SUCCEEDED"), tails=("first\n", "never")) as address:
        following = JobServer(address).follow("brandpress-spring-0", wait=lambda seconds: None)
        assert list(following) == ["first\n"]


def test_the_loser_of_two_submissions_is_told_that_it_is_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with job_server() as address:
        assert cli.run(["submit", str(write_campaign(tmp_path, 1, model="nano")), "--address", address]) == 5
    message = capsys.readouterr().err
    assert message.startswith("already running: this campaign was submitted as brandpress-spring-")
    assert "--follow` shows it, `brandpress stop brandpress-spring-" in message


def test_a_repeated_submission_has_an_id_that_no_job_has(tmp_path: Path) -> None:
    """After `ray job delete` of an earlier one, which leaves fewer jobs than the highest number."""
    campaign = load_campaign(write_campaign(tmp_path, 1, model="nano"))
    base = f"brandpress-spring-{plan_digest(campaign)[:12]}"
    ended = [job(submission_id, "SUCCEEDED") for submission_id in (f"{base}-2", f"{base}-3")]
    with job_server(*ended, refuses=False) as address:
        server = JobServer(address)
        assert server.submit(campaign).id == f"{base}-4"


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    with ray_head() as head:
        yield head


@pytest.fixture
def environment(head: RayHead) -> dict[str, str]:
    """The environment of a command that uses the head."""
    authentication = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": head.token}
    return {**os.environ, **authentication, "RAY_API_SERVER_ADDRESS": head.address}


def run(environment: dict[str, str], *arguments: object) -> tuple[int, str, str]:
    """Runs a command line in a process of its own, because Ray reads its variables once per process."""
    command = [sys.executable, "-m", "brandpress.pipeline.cli", *map(str, arguments)]
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
    return completed.returncode, completed.stdout, completed.stderr


def interrupted_following(environment: dict[str, str], submission_id: str) -> tuple[int, str]:
    """Follows a job until it has printed something, and interrupts that; returns the exit code and stderr."""
    command = [sys.executable, "-m", "brandpress.pipeline.cli", "logs", submission_id, "--follow"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=100)
        return process.returncode, message


@pytest.mark.slow
def test_a_campaign_is_submitted_followed_and_continued(tmp_path: Path, environment: dict[str, str]) -> None:
    job = write_campaign(tmp_path / "jobs", 1, products=("mug",), model="nano", deliver="../out")
    code, out, err = run(environment, "submit", job, "--json")
    assert code == 0, err
    submitted = json.loads(out)
    assert (submitted["schema"], submitted["status"], submitted["exit_code"]) == (
        "brandpress.submission/1",
        "succeeded",
        0,
    )
    assert "[1/1] mug/scene00" in err
    assert " INFO " not in err and "\tINFO " not in err, "Ray's own lines"
    assert (tmp_path / "out" / "spring" / "latest.json").exists(), "a relative address is this machine's"
    code, out, _ = run(environment, "logs", submitted["id"])
    assert (code, "1 planned: 0 done before, 1 rendered now" in out) == (0, True)
    code, out, err = run(environment, "submit", job)
    assert code == 0, err
    assert f"submitted as {submitted['id']}-2\n" in err
    assert "1 planned: 1 done before, 0 rendered now" in out
    code, out, _ = run(environment, "jobs", "--json")
    assert code == 0
    assert [entry["id"] for entry in json.loads(out)["jobs"]] == [f"{submitted['id']}-2", submitted["id"]]
    code, _, err = run(environment, "logs", submitted["id"][:-1])
    assert code == 1
    assert f"did you mean '{submitted['id']}'" in err


@pytest.mark.slow
def test_a_second_submission_is_told_and_the_first_can_be_stopped(tmp_path: Path, environment: dict[str, str]) -> None:
    job = write_campaign(tmp_path / "jobs", 200, products=("mug",), model="nano", size="256x256")
    code, out, err = run(environment, "submit", job, "--no-wait")
    assert code == 0, err
    submission_id = out.strip()
    assert submission_id.startswith("brandpress-spring-")
    code, _, err = run(environment, "submit", job)
    assert code == 5
    assert err.startswith(f"already running: this campaign was submitted as {submission_id} and is ")
    interrupted, message = interrupted_following(environment, submission_id)
    assert interrupted == 130, message
    assert message.endswith(f"the job goes on; `brandpress stop {submission_id}` ends it\n")
    code, out, _ = run(environment, "cancel", submission_id)
    assert code == 0
    assert out.startswith((f"{submission_id}: asked to end; ", f"{submission_id}: has ended: stopped, exit code 130"))
    code, _, err = run(environment, "logs", submission_id, "--follow")
    assert code == 130
    assert f"{submission_id}: stopped, exit code 130" in err
    code, out, _ = run(environment, "stop", submission_id, "--json")
    assert (code, json.loads(out)["exit_code"]) == (0, 130)


@pytest.mark.slow
def test_a_run_whose_workers_find_no_room_says_so(tmp_path: Path) -> None:
    """On a head without CPUs."""
    job = write_campaign(tmp_path / "jobs", 1, products=("mug",), model="nano")
    with ray_head(cpus=0) as head:
        authentication = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": head.token}
        environment = {**os.environ, **authentication, "RAY_API_SERVER_ADDRESS": head.address}
        command = [sys.executable, "-m", "brandpress.pipeline.cli", "submit", str(job)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            shown = next(line for line in process.stdout if "waiting for resources" in line)
            process.send_signal(signal.SIGINT)
        assert "waiting for resources: 1 CPU requested, 0 of 0 free; the cluster has none now" in shown


@pytest.mark.slow
def test_the_exit_code_of_a_failed_job_is_passed_on(tmp_path: Path, environment: dict[str, str]) -> None:
    job = write_campaign(tmp_path / "jobs", 1, model=str(tmp_path / "nowhere"))
    code, out, err = run(environment, "submit", job)
    assert code == 4
    assert "nowhere" in out
    assert "\\t" not in out
    assert err.splitlines()[-1].endswith(": failed, exit code 4: Job entrypoint command failed with exit code 4")


@pytest.mark.slow
def test_what_render_takes_is_passed_on(tmp_path: Path, environment: dict[str, str]) -> None:
    """A selection, a budget and the form of the log, of which only the last leaves the plan the same."""
    job = write_campaign(tmp_path / "jobs", 3, products=("mug",), model="nano")
    words = ("submit", job, "--select", "mug/scene01", "--select", "mug/scene02", "--budget-pictures", 1)
    code, out, err = run(environment, *words, "--log-format", "json")
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines() if line.startswith('{"schema"')]
    assert [line["event"] for line in lines].count("picture_done") == 1
    assert lines[-1]["budget"] == "1 picture"
    assert "3 planned: 0 done before, 1 rendered now, 0 failed, 1 not selected, 1 left" in out
    first = err.splitlines()[0].removeprefix("submitted as ")
    code, out, err = run(environment, *words, "--quiet", "--no-wait")
    assert (code, out) == (0, f"{first}-2\n")


@pytest.mark.slow
def test_without_the_token_the_error_says_so(tmp_path: Path, environment: dict[str, str]) -> None:
    without = {name: value for name, value in environment.items() if name != "RAY_AUTH_TOKEN"}
    without |= {"RAY_AUTH_MODE": "disabled", "HOME": str(tmp_path)}
    code, _, err = run(without, "jobs")
    assert code == 4
    assert "it needs a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN" in err
    code, _, err = run(environment | {"RAY_AUTH_TOKEN": "0" * 64}, "jobs")
    assert code == 4
    assert "it refuses the token" in err
    assert "0" * 64 not in err
