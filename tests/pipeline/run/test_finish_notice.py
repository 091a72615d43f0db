"""`on_finish:`: what a real server receives when runs end in each way."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.exit_codes import exception_exit_code
from brandpress.pipeline.run.finish_notice import FinishNotice, finish_notice
from brandpress.pipeline.run.webhook import HOSTS
from tests.campaigns import write_campaign
from tests.pipeline.run.published import publish_plan
from tests.reference_pages import section
from tests.webhook_server import HOST, WebhookServer, running_webhook_server

STAND_IN = "tests.stand_in:load"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookServer]:
    monkeypatch.setenv(HOSTS, "localhost")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with running_webhook_server() as server:
        yield server


def messages(server: WebhookServer) -> list[dict[str, Any]]:
    """Returns what the server has received; all of it is signed."""
    return [Verifier(SECRET).verify(request.body, request.headers) for request in server.received]


def job_of(folder: Path, server: WebhookServer, scenes: dict[str, str] | int = 1, **fields: Any) -> Path:
    hook = {"url": server.url, "secret_env": "HOOK_SECRET", **fields.pop("hook", {})}
    return write_campaign(folder, scenes, products=("mug",), on_finish=hook, **fields)


@pytest.mark.usefixtures("ray")
def test_a_run_with_a_failure_and_one_with_nothing_to_do(
    tmp_path: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(tmp_path, server, {"good": "here", "bad": "[raise]"})
    assert cli.run(["render", str(job), "--json"], renderer=STAND_IN) == 3
    printed = json.loads(capsys.readouterr().out)
    (message,) = messages(server)
    assert list(message) == list(section("json.md", "on_finish").rows("key"))
    assert message["schema"] == "brandpress.finished/1"
    assert (message["result"], message["exit_code"], message["error"]) == ("incomplete", 3, None)
    assert (message["campaign"], message["job"]) == ("spring", "spring.yaml")
    assert message["outcome"] == printed
    assert message["outcome"]["published"] == {"planned": 2, "done": 1, "stale": 0, "failed": 1, "missing": 0}
    job_of(tmp_path, server, {"good": "here"})
    assert cli.run(["regenerate", str(job)], renderer=STAND_IN) == 0
    assert [message["result"] for message in messages(server)] == ["incomplete", "done"]


def test_an_error_before_anything_is_rendered(
    tmp_path: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that isn't there, and a job that isn't valid any more."""
    job = job_of(tmp_path, server, model="./nothing")
    assert cli.run(["render", str(job)]) == 4
    job_of(tmp_path, server, size="1x1")
    assert cli.run(["render", str(job)]) == 1
    first, second = messages(server)
    assert (first["result"], first["exit_code"], first["outcome"]) == ("failed", 4, None)
    assert "nothing" in first["error"]
    assert (second["result"], second["exit_code"]) == ("failed", 1)
    assert "spring.yaml:1:" in second["error"]
    capsys.readouterr()


def test_plans_and_questions_are_no_runs(
    tmp_path: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    job = str(job_of(tmp_path, server))
    for words in (["regenerate", job, "--plan-only"], ["plan", job], ["validate", job], ["status", job]):
        assert cli.run(words) == 0
    assert server.received == []


def test_only_the_results_that_are_asked_for(tmp_path: Path, server: WebhookServer) -> None:
    job = job_of(tmp_path, server, hook={"results": ["failed", "interrupted"]})
    for code in (0, 3, 4, 5, 130):
        with finish_notice(job, exception_exit_code, pytest.fail) as notice:
            notice.finished({"failed": []}, code)
    assert [message["exit_code"] for message in messages(server)] == [4, 130]


def test_an_interruption_is_reported_and_goes_on(tmp_path: Path, server: WebhookServer) -> None:
    with pytest.raises(KeyboardInterrupt), finish_notice(job_of(tmp_path, server), exception_exit_code, pytest.fail):
        raise KeyboardInterrupt
    (message,) = messages(server)
    assert (message["result"], message["exit_code"], message["error"]) == ("interrupted", 130, "KeyboardInterrupt")


def test_long_lists_are_cut(tmp_path: Path, server: WebhookServer) -> None:
    outcome = {"failed": [{"name": str(number)} for number in range(5000)], "held_back": [], "counts": {"failed": 5000}}
    with finish_notice(job_of(tmp_path, server), exception_exit_code, pytest.fail) as notice:
        notice.finished(outcome, 3)
    (message,) = messages(server)
    assert (len(message["outcome"]["failed"]), message["outcome"]["counts"]) == (20, {"failed": 5000})


def test_a_message_that_cant_be_sent_changes_nothing_but_warns(
    tmp_path: Path, server: WebhookServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At the beginning, when an operator still sits there, and at the end."""
    server.answers = [(404, {})]
    job = job_of(tmp_path, server, model="./nothing")
    assert cli.run(["render", str(job)]) == 4
    assert "warning: 'http://localhost" in (err := capsys.readouterr().err)
    assert "didn't accept the message in one attempt: HTTP 404" in err
    monkeypatch.setenv(HOSTS, "")
    assert cli.run(["render", str(job), "--log-format", "json"]) == 4
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "warning"), ("warning", "warning"), ("error", "error"),
    ]  # fmt: skip
    assert lines[0]["message"] == lines[1]["message"]
    assert f"this machine posts nothing to 'localhost'; add the host to {HOSTS}" in lines[0]["message"]
    monkeypatch.delenv("HOOK_SECRET")
    monkeypatch.setenv(HOSTS, "localhost")
    assert cli.run(["render", str(job)]) == 4
    assert capsys.readouterr().err.count("on_finish.secret_env: HOOK_SECRET isn't set on this machine") == 2


def test_an_unforeseen_error_of_the_webhook_changes_nothing(
    tmp_path: Path, server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> int:
        raise RuntimeError("no")

    monkeypatch.setattr("brandpress.pipeline.run.finish_notice.send", broken)
    warnings: list[str] = []
    with finish_notice(job_of(tmp_path, server), exception_exit_code, warnings.append) as notice:
        notice.finished({}, 0)
    assert warnings == ["on_finish: RuntimeError: no"]


@pytest.mark.parametrize("content", [None, "campaign: [", "brand: x", '{"campaign": "x", "on_finish": 3}'])
def test_files_without_a_valid_webhook(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "job.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RequestError), finish_notice(file, exception_exit_code, pytest.fail) as notice:
        assert notice == FinishNotice()
        raise RequestError("the command's own error")


def test_a_saved_plan_has_the_webhook_of_its_job(
    tmp_path: Path, server: WebhookServer, capsys: pytest.CaptureFixture[str]
) -> None:
    job, saved = job_of(tmp_path, server), tmp_path / "spring.plan"
    assert cli.run(["plan", str(job), "--out", str(saved)]) == 0
    job_of(tmp_path, server, 2)
    assert cli.run(["render", str(saved)]) == 1
    (message,) = messages(server)
    assert (message["job"], message["result"]) == ("spring.yaml", "failed")
    capsys.readouterr()


@pytest.mark.slow
def test_the_command_over_tls_interrupted_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`schedule --once` with a private Ray: SIGINT ends the run, the message says so, and no secret is anywhere."""
    monkeypatch.setenv(HOSTS, HOST)
    with running_webhook_server(tls=True) as secure:
        (tmp_path / "ca.pem").write_bytes(secure.ca_pem)
        (tmp_path / "sitecustomize.py").write_text(
            "import socket\nreal = socket.getaddrinfo\n"
            f"socket.getaddrinfo = lambda host, *a, **k: real('127.0.0.1' if host == {HOST!r} else host, *a, **k)\n"
        )
        job = job_of(
            tmp_path / "jobs", secure, {f"s{n}": f"scene {n}" for n in range(200)}, model="nano", size="256x256",
            schedule={"cron": "* * * * *"},
        )  # fmt: skip
        environment = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem"), "HOOK_SECRET": SECRET}
        environment |= {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        command = [sys.executable, "-m", "brandpress.pipeline.cli", "schedule", str(job), "--once"]
        with subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as run:
            assert run.stderr is not None
            err = ""
            for line in run.stderr:
                err += line
                if "[1/200]" in line:
                    run.send_signal(signal.SIGINT)
            out = run.stdout.read() if run.stdout else ""
            assert run.wait() == 130, err
        (message,) = messages(secure)
    assert (message["result"], message["exit_code"]) == ("interrupted", 130)
    assert 1 <= message["outcome"]["counts"]["done"] < 200
    assert message["outcome"]["published"]["done"] == message["outcome"]["counts"]["done"]
    stored = b"".join(file.read_bytes() for file in (tmp_path / "jobs" / "out").rglob("*") if file.is_file())
    assert SECRET not in out + err + json.dumps(message)
    assert SECRET.encode() not in stored


def test_a_published_campaign_with_nothing_to_do_counts_as_done(tmp_path: Path, server: WebhookServer) -> None:
    from tests.campaigns import plan_of

    job = job_of(tmp_path, server)
    publish_plan(plan_of(job))
    assert cli.run(["render", str(job)], renderer=STAND_IN) == 0
    (message,) = messages(server)
    assert (message["result"], message["outcome"]["counts"]["skipped"]) == ("done", 1)
