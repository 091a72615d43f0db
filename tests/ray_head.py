"""Starts the head of a real Ray cluster with its dashboard and job server, on 127.0.0.1 and behind a token."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ray_nodes import BUSY, ROOT, START_SECONDS, end, free_port


@dataclass(frozen=True, slots=True)
class RayHead:
    """The address of a job server, and the token that it asks for."""

    address: str
    token: str


@contextmanager
def ray_head(cpus: int = 2) -> Iterator[RayHead]:
    """Yields a running head; everything that it has started ends with the block."""
    folder = Path("/tmp") / f"r{secrets.token_hex(3)}"  # short: Ray's sockets are in it
    folder.mkdir()
    token, port = secrets.token_hex(32), free_port()
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"),
        *("--node-ip-address=127.0.0.1", f"--port={free_port()}", f"--temp-dir={folder}"),
        *("--include-dashboard=true", "--dashboard-host=127.0.0.1", f"--dashboard-port={port}"),
        *(f"--dashboard-agent-listen-port={free_port()}", "--object-store-memory=100000000"),
        *(f"--num-cpus={cpus}", "--num-gpus=0"),
    ]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "PYTHONPATH"))}
    authentication = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # jobs run `python`
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={**inherited, **BUSY, **authentication, "PATH": path, "PYTHONPATH": str(ROOT)},
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, address, token, folder / "head.log")
        yield RayHead(address, token)
    finally:
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], address: str, token: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    request = urllib.request.Request(f"{address}/api/jobs/", headers={"Authorization": f"Bearer {token}"})
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                if response.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
