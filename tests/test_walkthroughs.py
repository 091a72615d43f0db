"""Runs the shell blocks of the walk-throughs: docs/submit.md, schedule.md, ci.md and catalogue.md.

Each command is run as the page has it, except for what a test can't or mustn't do. Each test says what it replaces.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.campaigns import write_campaign
from tests.ray_head import ray_head
from tests.ray_nodes import BUSY, free_port

ROOT = Path(__file__).parents[1]
PAGES = ("submit.md", "schedule.md", "ci.md", "catalogue.md")
SHELLS = ("sh", "bash", "shell", "console")
IN_CATALOGUE = "tests/test_catalogue.py runs all commands of the page, and compares what they print"

RUN_BY = {
    ("submit.md", "Submit to a running Ray cluster"): "test_submitting_to_a_running_cluster",
    ("submit.md", "A cluster to try it on"): "test_a_cluster_to_try_it_on",
    ("submit.md", "Kubernetes"): "test_exporting_for_kubernetes",
    ("schedule.md", "Campaigns on a schedule"): "test_scheduling",
    ("schedule.md", "systemd"): "test_exporting_for_systemd",
    ("ci.md", "Campaigns in CI"): "test_regenerating",
}
"""(page, heading) -> the test here that runs the shell block below it. Every shell block needs a row, and a heading has
one block at most."""


def blocks(page: str) -> list[tuple[str, str, str]]:
    """Returns (heading, language, text) of the fenced blocks of a page."""
    heading, fenced = "", []
    parts = re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```$|^#+ ([^\n]*)$", (ROOT / "docs" / page).read_text(), re.M | re.S)
    for part in parts:
        heading = part[3] or heading
        if part[3] is None:
            fenced.append((heading, part[1], part[2]))
    return fenced


def block(page: str, heading: str) -> str:
    """Returns the shell block below a heading."""
    (text,) = (text for below, language, text in blocks(page) if below == heading and language in SHELLS)
    return text


def replaced(text: str, *replacements: tuple[str, str]) -> str:
    """Returns a text with replacements, each of which it must contain once."""
    for old, new in replacements:
        assert text.count(old) == 1, f"the page has changed: {old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def test_every_shell_block_is_run_by_a_test() -> None:
    shell = [(page, heading) for page in PAGES for heading, language, _ in blocks(page) if language in SHELLS]
    assert sorted(place for place in shell if place[0] != "catalogue.md") == sorted(RUN_BY)
    assert {language for page in PAGES for _, language, _ in blocks(page)} <= {*SHELLS, "yaml", "python"}
    assert all(name in globals() for name in RUN_BY.values())
    from tests.test_catalogue import BLOCKS

    assert [kind for kind, _ in BLOCKS] == [language for _, language, _ in blocks("catalogue.md")], IN_CATALOGUE


class Shell:
    """A folder with `jobs/spring.yaml`, a campaign of one picture, and the environment of a shell in it, whose HOME is
    another folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.programs = folder / "work", folder / "home", folder / "bin"
        for path in (self.folder, self.home, self.programs):
            path.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "GITHUB_"))}
        search = os.pathsep.join((str(self.programs), str(Path(sys.executable).parent), os.environ["PATH"]))
        self.environment = {**inherited, **BUSY, "HOME": str(self.home), "PATH": search}
        self.campaign()

    def campaign(self, **fields: object) -> None:
        """Writes the campaign with further fields."""
        fields = {"deliver": "../out", **fields}
        write_campaign(self.folder / "jobs", 1, products=("mug",), model="nano", **fields)  # type: ignore[arg-type]

    @property
    def delivered(self) -> Path:
        """The campaign's pointer."""
        return self.folder / "out" / "spring" / "latest.json"

    def program(self, name: str, script: str) -> None:
        """Puts a program in front of the PATH."""
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    @contextmanager
    def start(self, commands: str) -> Iterator[subprocess.Popen[str]]:
        """Starts a shell, in a session of its own, that stops at the first command that fails. All processes of the
        session end with the block."""
        with subprocess.Popen(
            ["sh", "-ec", commands],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                for pid in processes_of(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def run(self, commands: str) -> str:
        """Runs commands, asserts that all succeed, and returns what they print on stdout."""
        with self.start(commands) as process:
            return finished(process)


def finished(process: subprocess.Popen[str]) -> str:
    """Waits for a shell, asserts that it succeeds, and returns what it has printed on stdout."""
    output, errors = process.communicate(timeout=500)
    assert process.returncode == 0, output + errors
    return output


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.mark.slow
def test_submitting_to_a_running_cluster(shell: Shell) -> None:
    """HEAD is replaced by a head of this test's, and pip by a program that does nothing, because what it would install
    is what is tested."""
    shell.program("pip", "exit 0")
    with ray_head() as head:
        (shell.home / ".ray").mkdir()
        (shell.home / ".ray" / "auth_token").write_text(head.token)
        commands = block("submit.md", "Submit to a running Ray cluster")
        assert "1 planned: 0 done before, 1 rendered now" in shell.run(
            replaced(commands, ("http://HEAD:8265", head.address))
        )
    assert shell.delivered.exists()


@pytest.mark.slow
def test_a_cluster_to_try_it_on(shell: Shell) -> None:
    """Other people's Ray may run on this machine. So the ports that `ray start` fixes are replaced by free ones, its
    files are in a folder of this test's, and instead of `ray stop`, which ends every Ray process on the machine, only
    the processes of this shell's session are ended, which are those of this head."""
    port, folder = free_port(), Path("/tmp") / f"r{secrets.token_hex(3)}"  # short: Ray's sockets are in it
    folder.mkdir()
    shell.environment["RAY_TMPDIR"] = str(folder)
    start = "ray start --head --dashboard-host 127.0.0.1 --dashboard-port 8265\n"
    free = f"--port {free_port()} --dashboard-agent-listen-port {free_port()} --ray-client-server-port {free_port()}"
    commands = replaced(
        block("submit.md", "A cluster to try it on"),
        (start, start.replace("8265\n", f"{port} {free} > ray.log 2>&1\n")),
        ("http://127.0.0.1:8265", f"http://127.0.0.1:{port}"),
        ("ray stop ", "true "),
    )
    try:
        with shell.start(f"{commands}brandpress jobs --address http://127.0.0.1:{port}") as process:
            output = finished(process)
            without = {**shell.environment, "RAY_AUTH_MODE": "disabled"}
            refused = [sys.executable, "-m", "brandpress.pipeline.cli", "jobs", "--address", f"http://127.0.0.1:{port}"]
            completed = subprocess.run(refused, env=without, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    token = shell.home / ".ray" / "auth_token"
    assert (token.stat().st_mode & 0o777, len(token.read_text().strip()) >= 64) == (0o600, True)
    assert "1 planned: 0 done before, 1 rendered now" in output
    assert re.search(r"^brandpress-spring-\w+  succeeded  ", output, re.MULTILINE)
    assert shell.delivered.exists()
    assert (completed.returncode, "it needs a token" in completed.stderr) == (4, True)


def processes_of(session: int) -> Iterator[int]:
    """Yields the processes of a session. Workers of Ray are process groups of their own in it."""
    for entry in Path("/proc").iterdir():
        with suppress(ValueError, ProcessLookupError):
            if os.getsid(int(entry.name)) == session:
                yield int(entry.name)


def test_exporting_for_kubernetes(shell: Shell) -> None:
    """docker and kubectl are replaced by programs that write down what they are given, because there is neither a
    registry nor a cluster."""
    shell.campaign(deliver="s3://assets/northwind")
    shell.program("docker", 'echo "$@" >> docker.txt')
    shell.program("kubectl", 'echo "$@" > kubectl.txt; cat > manifest.yaml')
    shell.run(block("submit.md", "Kubernetes"))
    image = "registry.example/campaigns:1"
    assert (shell.folder / "docker.txt").read_text() == f"build --tag {image} .\npush {image}\n"
    assert (shell.folder / "kubectl.txt").read_text() == "apply -f -\n"
    manifest = yaml.safe_load((shell.folder / "manifest.yaml").read_text())
    assert (manifest["kind"], manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"]) == ("RayJob", "gpus")
    (group,) = manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert (group["replicas"], group["template"]["spec"]["containers"][0]["image"]) == (4, image)


@pytest.mark.slow
def test_scheduling(shell: Shell) -> None:
    """The first command runs until it's stopped: by Ctrl-C, once it has rendered what is due now."""
    now = datetime.now(UTC)
    shell.campaign(schedule={"cron": f"{now.minute} {now.hour} * * *", "timezone": "UTC"})
    endless, *others = block("schedule.md", "Campaigns on a schedule").splitlines()
    with shell.start(f"exec {endless}") as process:
        assert process.stderr is not None
        shown = next(line for line in process.stderr if " after " in line)
        assert shown.rstrip().partition("jobs/spring.yaml: ")[2].startswith("done after"), shown
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=100)
    assert process.returncode == 130
    assert shell.delivered.exists()
    once, listing = others
    assert shell.run(once) == ""
    assert re.search(r"jobs/spring\.yaml  last run \d{4}-\d\d-\d\d \d\d:\d\d UTC: done", shell.run(listing))


def test_exporting_for_systemd(shell: Shell) -> None:
    """The units are written to another folder than systemd's, and systemctl is a program that writes down what it is
    told, because tests mustn't change the machine. `systemd-analyze` checks units in tests/pipeline/run."""
    shell.campaign(schedule={"cron": "0 3 * * *", "timezone": "UTC"})
    shell.program("systemctl", 'echo "$@" >> systemctl.txt')
    units = shell.folder / "units"
    shell.run(replaced(block("schedule.md", "systemd"), ("/etc/systemd/system", str(units))))
    assert (shell.folder / "systemctl.txt").read_text().split("\n")[:2] == [
        "daemon-reload",
        "enable --now brandpress-schedule.timer",
    ]
    assert (units / "brandpress-schedule.timer").exists()
    service = (units / "brandpress-schedule.service").read_text()
    assert "User=brandpress" in service
    assert f'schedule --once "{shell.folder}/jobs"' in service or f"schedule --once {shell.folder}/jobs" in service


@pytest.mark.slow
def test_regenerating(shell: Shell) -> None:
    output = shell.run(block("ci.md", "Campaigns in CI"))
    assert "1 planned: 0 done before, 1 rendered now" in output
    assert json.loads(shell.delivered.read_text())["manifest"] == "manifests/00000001/manifest.json"
    assert min(Image.open(shell.folder / "spring.png").size) > 100
