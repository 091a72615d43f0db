"""Environments that lack something: characters, a home folder, a working directory, a reader, room for sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli
from tests.campaigns import write_campaign

ROOT = Path(__file__).parents[3]
TOKEN = "_".join(["ghp", "a1B2" * 9])
COMMAND = (sys.executable, "-m", "brandpress.pipeline.cli")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_campaign(tmp_path / "jobs", {"beach": "on a пляж 🏖 café"})


def brandpress(
    *arguments: object, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command line; `environment` is added to this process's."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True,
        encoding="latin-1",
        env={**os.environ, **(environment or {})},
        cwd=cwd,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(name, marks=pytest.mark.slow) for name in ("latin-1", "cp1252"))]
)
def test_output_in_any_encoding(job: Path, encoding: str) -> None:
    environment = {"PYTHONIOENCODING": encoding}
    shown = brandpress("plan", job, environment=environment)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert r"\u043f\u043b\u044f\u0436" in shown.stdout
    printed = brandpress("plan", job, "--json", environment=environment)
    assert "on a пляж 🏖 café" in json.loads(printed.stdout)["first"][0]["prompt"]
    wrong = brandpress("validate", job.parent / "пляж.yaml", environment=environment)
    assert wrong.returncode == 1
    assert "Traceback" not in wrong.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change its user")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("validate",), marks=pytest.mark.slow),
        ("plan", "--json"),
        pytest.param(("models",), marks=pytest.mark.slow),
    ],
)
def test_a_user_without_a_home_folder(arguments: tuple[str, ...]) -> None:
    """A user that the password database doesn't know, and no HOME. It may read this checkout."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own can't be read by others
        Path(folder).chmod(0o755)
        run_without_home(write_campaign(Path(folder) / "jobs", {"beach": "on a beach"}), arguments)


def run_without_home(job: Path, arguments: tuple[str, ...]) -> None:
    user = ("setpriv", "--reuid=12345", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    names = ("PATH", "PYTHONPATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    files = () if arguments == ("models",) else (str(job),)
    shown = subprocess.run(
        [*user, *COMMAND, arguments[0], *files, *arguments[1:]],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.parametrize(("deliver", "code"), [("out", 1), ("/tmp/brandpress-not-there", 0)])
def test_a_working_directory_that_was_deleted(job: Path, tmp_path: Path, deliver: str, code: int) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    program = "import os, sys; from brandpress.pipeline.cli.app import run; os.rmdir(os.getcwd()); sys.exit(run())"
    shown = subprocess.run(
        [sys.executable, "-c", program, "plan", str(job), "--deliver", deliver],
        capture_output=True,
        text=True,
        cwd=gone,
        timeout=300,
        check=False,
    )
    assert shown.returncode == code
    if code:
        assert shown.stderr.count("\n") == 1
        assert "the working directory doesn't exist any more" in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(("plan", "--first", "5000"), marks=pytest.mark.slow), ("plan", "--json", "--first", "5000")],
)
def test_a_reader_that_goes_away(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    job = write_campaign(tmp_path, 3000, seeds=1)
    with subprocess.Popen(
        [*COMMAND, arguments[0], str(job), *arguments[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize("seconds", [0.3, 0.6])
def test_an_early_interruption_says_so(job: Path, seconds: float) -> None:
    with subprocess.Popen([*COMMAND, "plan", str(job)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    if process.returncode != 0:  # it was faster than the signal, or Python itself was starting
        assert b"interrupted" in shown or process.returncode == -signal.SIGINT
        assert process.returncode in (130, -signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a" * 120, "missing"])
def test_a_temporary_folder_that_ray_cannot_use(job: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    if name != "missing":
        folder.mkdir()
    done = brandpress("render", job, environment={"TMPDIR": str(folder), "RAY_ADDRESS": ""})
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 3, 4), done.stderr
    assert "socket" not in done.stderr


def test_an_unforeseen_error_is_one_line(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock, because the errors that we know of have been mended."""

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left; token " + TOKEN)

    monkeypatch.setattr("brandpress.pipeline.plan.expand.make_plan", fail)
    assert cli.run(["plan", str(job)]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("OSError: [Errno 28] No space left; token [secret removed]")
    assert shown.count("\n") == 1
    assert cli.run(["plan", str(job), "--debug"]) == 1
    assert "Traceback" in (shown := capsys.readouterr().err)
    assert TOKEN not in shown


def test_an_unforeseen_error_of_a_run_exits_with_4(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mock, as above."""

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("the moon")

    monkeypatch.setattr("brandpress.pipeline.render.driver.run.render_campaign", fail)
    assert cli.run(["render", str(job)]) == 4
    assert capsys.readouterr().err.startswith("RuntimeError: the moon (")
