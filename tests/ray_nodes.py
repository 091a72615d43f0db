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

START_SECONDS = 60.0
END_SECONDS = 20.0


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
        """Starts a node and waits until the head answers.

        gpus: Ray believes whatever it's told. python: what the node's workers run. prefix: a command that runs the node,
        such as unshare.
        """
        port = self.address.rpartition(":")[2]
        joins = ["--head", f"--port={port}"] if head else [f"--address={self.address}"]
        temporary = [f"--temp-dir={self._folder}"] if head else []
        command = [
            *prefix,
            *(str(python), "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
            *("--include-dashboard=false", "--object-store-memory=100000000"),
            *joins,
            *temporary,
            f"--num-cpus={cpus}",
            f"--num-gpus={gpus}",
        ]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        log = (self._folder / f"node-{secrets.token_hex(4)}.log").open("wb")
        self._stack.enter_context(log)
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={**inherited, "RAY_AUTH_MODE": "disabled"},
        )
        self._stack.callback(end, process)
        self._wait(process, int(port))
        return process

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, "ray start has ended"
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            time.sleep(0.1)
        raise AssertionError("the head doesn't answer")


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
    """Ends a node with everything that it has started."""
    group = process.pid
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    process.wait(END_SECONDS)


def free_port() -> int:
    """Returns a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
