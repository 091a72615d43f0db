"""A server that speaks the protocol of Ray's job server, for states into which a real one can't be brought reliably: an
empty list, a job that doesn't end yet, a submission that loses a race, a connection that is lost without notice."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler
from typing import Any

import ray

from tests.http_server import serving


def job(submission_id: str, status: str, message: str = "", code: int | None = None) -> dict[str, Any]:
    """Returns a job as the server lists it."""
    return {
        "type": "SUBMISSION",
        "submission_id": submission_id,
        "status": status,
        "entrypoint": "python",
        "message": message,
        "start_time": 1_800_000_000_000,
        "driver_exit_code": code,
        "metadata": {"campaign": "spring", "deliver": "s3://pictures"},
    }


@contextmanager
def job_server(
    *jobs: dict[str, Any], stopped: dict[str, Any] | None = None, tails: Sequence[str] = (), refuses: bool = True
) -> Iterator[str]:
    """Yields the address of a server with these jobs. It refuses each submission, as if another had just used its id.

    refuses: whether it does; otherwise it takes a job whose id it doesn't have.
    stopped: the first job after it was asked to end; by default it goes on as before. tails: what each connection that
    follows the first job's output gets. All but the last stay open and silent. With the first one, the job ends.
    """
    listed, left, ended = list(jobs), list(tails), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path == "/api/version":
                self._answer(200, {"ray_version": ray.__version__, "version": "4", "ray_commit": ""})
            elif self.path.endswith("/logs/tail"):
                self._tail(left.pop(0))
            else:  # the jobs, or whether a package was uploaded before
                self._answer(200, listed)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.path.endswith("/stop"):
                listed[0] = stopped or listed[0]
                return self._answer(200, {"stopped": True})
            submission_id = json.loads(body)["submission_id"]
            if refuses or submission_id in [one["submission_id"] for one in listed]:
                return self._answer(500, f"Job with submission_id {submission_id} already exists. ")
            listed.append(job(submission_id, "PENDING"))
            return self._answer(200, {"job_id": submission_id, "submission_id": submission_id})

        def _tail(self, text: str) -> None:
            """Opens a WebSocket (RFC 6455) and sends one short text; closes it if it's the last one."""
            key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.protocol_version = "HTTP/1.1"
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode())
            self.end_headers()
            self.wfile.write(bytes([0x81, len(text)]) + text.encode())
            listed[0] = listed[0] | {"status": "SUCCEEDED", "driver_exit_code": 0}
            if left:
                ended.wait()
            else:
                self.wfile.write(b"\x88\x02\x03\xe8")  # 1000: all was sent
                self.rfile.read(1)  # the client agrees

        def _answer(self, status: int, value: Any) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with serving(Handler, ended) as url:
        yield url
