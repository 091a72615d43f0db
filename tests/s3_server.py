"""A real S3 server for tests: one SeaweedFS process on free ports, with test credentials."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

ACCESS_KEY = "AKBRANDPRESSTEST"
SECRET_KEY = "secret-of-the-test-server"
GRPC_OFFSET = 10_000
"""SeaweedFS listens for gRPC on each HTTP port plus this offset."""

PORTS = range(20_000, 22_700)
"""These and the gRPC ports are below those that Linux gives to clients (32,768 and more): nobody takes them while the
server is down."""


@dataclass(frozen=True)
class S3Server:
    """The address of a running server."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point any AWS tool to this server only."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def find_weed() -> Path | None:
    """Returns the path of the `weed` binary, next to the running Python or on PATH; None if it isn't installed."""
    beside = Path(sys.executable).with_name("weed")
    binary = beside if beside.exists() else shutil.which("weed")
    return Path(binary) if binary else None


class S3Process:
    """A server process that can be killed and restarted on the same ports with the same data."""

    def __init__(self, weed: Path, folder: Path) -> None:
        """folder: holds the server's data and log."""
        identity = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": [{"name": "ci", "credentials": [identity], "actions": actions}]}))
        (folder / "data").mkdir()
        s3, master, volume, filer, admin = _free_ports(5)
        self._command = [str(weed), "mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        self._command += [f"-s3.port={s3}", f"-s3.config={config}", f"-master.port={master}", f"-volume.port={volume}"]
        self._command += [f"-filer.port={filer}", f"-admin.port={admin}", "-webdav=false", "-admin.ui=false"]
        self._command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.server = S3Server(f"http://127.0.0.1:{s3}")

    def start(self) -> None:
        """Start the server and wait until it responds. Raises RuntimeError with the log if it doesn't."""
        log = self._folder / "weed.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env={**os.environ, "GOMEMLIMIT": "256MiB"},
            )
        _wait_for(self.server.endpoint, self._process, log)

    def kill(self) -> None:
        """Kill the server without a shutdown, like a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def running_s3_server(weed: Path, folder: Path) -> Iterator[S3Server]:
    """Run a server while the block runs, with its data in `folder`."""
    process = S3Process(weed, folder)
    try:
        process.start()
        yield process.server
    finally:
        process.kill()


def _free_ports(count: int) -> list[int]:
    """Returns ports at which nobody listens, nor at those plus GRPC_OFFSET.

    They are drawn at random, so that two servers that start together choose different ones.
    """
    ports: list[int] = []
    for port in Random().sample(PORTS, len(PORTS)):
        with socket.socket() as http, socket.socket() as grpc, suppress(OSError):
            http.bind(("127.0.0.1", port))
            grpc.bind(("127.0.0.1", port + GRPC_OFFSET))
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError(f"no {count} ports are free between {PORTS.start} and {PORTS.stop}")


def _wait_for(endpoint: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(endpoint, timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the S3 server didn't start; its log ends with: {log.read_text(errors='replace')[-2000:]}")
