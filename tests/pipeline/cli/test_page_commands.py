"""`review`, `approve`, `decide`, `report` and `sheet --rows` as users type them."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver.choose import published_pictures
from brandpress.pipeline.deliver.decisions import read_decisions
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.review.page.published import write_published

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_published(tmp_path_factory.mktemp("project"))


@pytest.fixture
def folder(job: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    monkeypatch.chdir(tmp_path)
    return open_campaign(str(job.parent / "out"), "spring")


def run(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """Returns what a command prints with --json."""
    capsys.readouterr()
    run(*arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_page_is_written(job: Path, folder: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("review", job) == 0
    assert capsys.readouterr().out == "out/review/spring/index.html\n"
    assert len(list((tmp_path / "out" / "review" / "spring" / "thumbnails").iterdir())) == 6
    values = printed(capsys, "review", job, "--out", "elsewhere", "--upload")
    assert values["page"] == "elsewhere/index.html"
    assert values["uploaded"] == f"{folder.uri}/review/index.html"


def test_the_page_of_selected_pictures(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    values = printed(capsys, "review", job, "--select", "product:mug", "--select", "!scene:lake")
    assert values["pictures"] == 1
    page = Path(values["page"]).read_text()
    assert ("mug/beach" in page, "mug/lake" in page, "bottle/beach" in page) == (True, False, False)
    assert run("review", job, "--select", "product:lamp") == 1
    assert "no variant matches" in capsys.readouterr().err


def test_without_the_brand_spec_it_has_no_references(
    job: Path, folder: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    (job.parent / "mug.png").rename(job.parent / "moved.png")
    try:
        assert run("review", job) == 0
    finally:
        (job.parent / "moved.png").rename(job.parent / "mug.png")
    assert "going on without reference pictures" in capsys.readouterr().err


def test_approve_and_its_list(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("approve", job, "mug/*", "--by", "ana") == 0
    assert "2 pictures approved" in capsys.readouterr().out
    assert {one.decision for one in read_decisions(folder).values()} == {"approved"}
    assert run("approve", job, "mug/*", "--undo") == 0
    assert not read_decisions(folder)


def test_decisions_from_a_file(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, *_ = published_pictures(folder)
    file = Path("decisions.yaml")
    file.write_text(
        f"""campaign: spring
by: ana
decisions:
- {{name: {first.name}, sha256: "{first.sha256}", decision: approved}}
- {{name: {second.name}, sha256: "{"a" * 64}", decision: rejected, reason: no star}}
"""
    )
    assert run("decide", job, file) == 3
    output = capsys.readouterr()
    assert output.out == (
        f"{first.name}: approved\n1 decision applied; run `brandpress render` to publish the change\n"
    )
    assert output.err.startswith(f"refused: {second.name}: rejected: the picture has changed since")
    values = printed(capsys, "decide", job, file)
    assert [one["state"] for one in values["decisions"]] == ["unchanged", "refused"]
    assert run("approve", job, first.name, "--undo") == 0


def test_a_wrong_file_of_decisions(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    Path("decisions.yaml").write_text("campaign: spring\ndecisions: [{name: a}]\n")
    assert run("decide", job, "decisions.yaml") == 1
    assert "decisions.yaml:2:" in capsys.readouterr().err


def test_the_report(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", job) == 0
    assert capsys.readouterr().out == "out/report/spring.html\n"
    assert run("report", job, "--out", "report.md") == 0
    assert "| NVIDIA H100 | 4 | 12.0 s | 3.0 s |" in Path("report.md").read_text()
    assert run("report", job, "--out", "report.pdf") == 1
    assert "allowed: .html, .md" in capsys.readouterr().err


@pytest.mark.slow
def test_measuring_for_the_report(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    values = printed(capsys, "report", job, "--measure")
    assert {row["measure"] for row in values["figures"]} >= {"noise", "subject"}


def test_sheets_by_axes(job: Path, folder: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sheet", job, "--rows", "product", "--columns", "scene") == 0
    assert run("sheet", job, "--columns", "2") == 0
    assert run("sheet", job, "--columns", "scene") == 1
    assert "--columns scene: an axis as columns needs --rows AXIS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--serve", "--json"), "--serve: remove"),
        (("--serve", "--upload"), "--serve: remove"),
        (("--by", "ana"), "belong to --serve"),
        (("--port", "8000"), "belong to --serve"),
        (("--take-over",), "--take-over: only together with --upload or --serve"),
    ],
)
def test_options_that_exclude_each_other(
    job: Path, folder: Store, options: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("review", job, *options) == 1
    assert problem in capsys.readouterr().err


def test_another_jobs_campaign_is_not_decided_about(job: Path, folder: Store) -> None:
    other = job.with_name("other.yaml")
    other.write_text(job.read_text())
    Path("decisions.yaml").write_text("campaign: spring\ndecisions: []\n")
    assert run("decide", other, "decisions.yaml") == 1
    assert run("approve", other, "*") == 1
    assert run("review", other, "--serve", "--no-open") == 1
    assert run("review", other, "--upload") == 1
    assert run("review", other) == 0


@pytest.mark.slow
def test_serving_ends_with_ctrl_c(job: Path, folder: Store) -> None:
    command = [
        sys.executable,
        "-m",
        "brandpress.pipeline.cli",
        "review",
        str(job),
        "--serve",
        "--no-open",
        "--by",
        "ana",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32,}/", url)
    assert b"spring" in urllib.request.urlopen(url).read()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "decisions are saved as ana" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="xdg-open is Linux's")
def test_the_arguments_of_the_browser_lack_the_token(job: Path, folder: Store, tmp_path: Path) -> None:
    """xdg-open is a script, which writes down what it's called with and what the file says to its owner."""
    opener, calls = tmp_path / "bin" / "xdg-open", tmp_path / "calls"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\n(echo "$*"; stat -c %a "$1"; cat "$1") > {calls}.new\nmv {calls}.new {calls}\n')
    opener.chmod(0o755)
    environment = {**os.environ, "PATH": f"{opener.parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "brandpress.pipeline.cli", "review", str(job), "--serve"]
    terminal, end = pty.openpty()
    process = subprocess.Popen(command, stdout=end, stderr=subprocess.PIPE, text=True, env=environment)
    os.close(end)
    printed = b""
    while b"\n" not in printed:
        printed += os.read(terminal, 1024)
    url = printed.decode().strip()
    for _ in range(600):
        if calls.exists():
            break
        time.sleep(0.1)
    argument, mode, *content = calls.read_text().splitlines()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    os.close(terminal)
    token = url.rstrip("/").rpartition("/")[2]
    assert token not in argument
    assert mode == "600"
    assert f'content="0; url={url}"' in "\n".join(content)
    assert (process.returncode, Path(argument).exists()) == (0, False), errors


def test_a_rejected_picture_is_replaced_by_the_next_seed(tmp_path: Path) -> None:
    job = write_published(tmp_path)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    before = {one.name: one for one in published_pictures(folder)}
    picture = before["mug/lake"]
    (tmp_path / "decisions.yaml").write_text(
        f"campaign: spring\ndecisions: [{{name: mug/lake, sha256: '{picture.sha256}', decision: rejected}}]\n"
    )
    assert run("decide", job, tmp_path / "decisions.yaml") == 0
    from tests.runs import run_of

    assert run_of(job)[0] == ["mug/lake"]
    after = {one.name: one for one in published_pictures(folder)}
    assert after["mug/lake"].sha256 != picture.sha256
    assert after["mug/beach"] == before["mug/beach"]
