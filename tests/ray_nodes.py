"""Starts nodes of a Ray cluster as `ray start` does, each in a process group of its own, for tests of clusters."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_SECONDS = 120.0
BUSY = {"RAY_raylet_start_wait_time_s": "120", "RAY_worker_niceness": "0", "OMP_WAIT_POLICY": "PASSIVE"}
"""On a busy machine, a node may need more than Ray's 30 seconds to start, and workers with Ray's niceness of 15 would
hardly get any time beside other tests."""

JOINED = b"This command will now block"


class RayCluster:
    """A head node and further ones, all on this machine. `address` is for RAY_ADDRESS."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.address = f"127.0.0.1:{free_port()}"

    def start(
        self,
        *,
        cpus: int = 1,
        gpus: int = 0,
        python: Path | str = sys.executable,
        prefix: Sequence[str] = (),
        head: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Starts a node and waits until it has joined.

        gpus: Ray believes whatever it's told. python: what the node's workers run. prefix: a command that runs the
        node, such as unshare.
        """
        port = self.address.rpartition(":")[2]
        joins = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self._folder}"]
        joins = joins if head else [f"--address={self.address}"]
        command = [
            *prefix,
            *(str(python), "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
            "--object-store-memory=100000000",
            *joins,
            f"--num-cpus={cpus}",
            f"--num-gpus={gpus}",
        ]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        output = self._folder / f"node-{secrets.token_hex(4)}.log"
        log = self._stack.enter_context(output.open("wb"))
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={**inherited, **BUSY, "RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)},
        )
        self._stack.callback(end, process)
        _wait(process, output)
        return process


def _wait(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while JOINED not in output.read_bytes():
        assert process.poll() is None and time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """Yields a cluster without nodes; all that are started end with the block."""
    folder = Path("/tmp") / f"r{secrets.token_hex(3)}"  # short: Ray's sockets are in it
    folder.mkdir()
    try:
        with ExitStack() as stack:
            yield RayCluster(stack, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a node with everything that it has started, as if its power failed."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """Returns a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
