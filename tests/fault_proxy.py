"""An HTTP proxy that injects faults: error statuses, resets, lost or truncated responses, corrupted bodies, delays.

It can also play an S3 server with another dialect than that of the real one behind it.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.http_server import serving
from tests.s3_dialects import AMAZON, Dialect, Refusal

Fault = Literal["403", "500", "503", "reset", "lost answer", "cut answer", "damage", "slow"]
FAULTS: tuple[Fault, ...] = ("500", "503", "reset", "lost answer", "cut answer", "damage", "slow")
"""Transient faults, which a client survives by retrying."""

SLOW_SECONDS = 1.0
_REFUSALS: dict[object, Refusal] = {
    "403": Refusal(403, "AccessDenied"),
    "500": Refusal(500, "InternalError"),
    "503": Refusal(503, "SlowDown"),
}
Choose = Callable[[str, str], "Fault | Refusal | None"]
"""Takes a call's method and path and returns the fault to inject, or an error response.

Called from many threads, one at a time."""


class FaultProxy:
    """`calls` counts the calls keyed by method (or LIST); `injected` counts the faults keyed by kind.

    `headers` holds the headers of each PUT, in lower case.
    """

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.endpoint = ""
        self.calls: Counter[str] = Counter()
        self.injected: Counter[Fault] = Counter()
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()

    def decide(self, method: str, path: str) -> Fault | Refusal | None:
        """Count a call and return the fault to inject, if any."""
        with self._lock:
            self.calls["LIST" if method == "GET" and "list-type" in path else method] += 1
            fault = self.choose(method, path)
            if fault == "damage" and method != "PUT":
                fault = None
            if isinstance(fault, str):
                self.injected[fault] += 1
            return fault


@contextmanager
def fault_proxy(
    target: str, choose: Choose = lambda method, path: None, dialect: Dialect = AMAZON
) -> Iterator[FaultProxy]:
    """Run a proxy in front of the server at `target` while the block runs. dialect: the server to play."""
    proxy = FaultProxy(choose)
    upstream = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def call(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if not self.path.startswith("/"):  # a client with HTTP_PROXY sends the whole address
                url = urlsplit(self.path)
                self.path = f"{url.path}?{url.query}" if url.query else url.path
            headers = {name.lower(): value for name, value in self.headers.items()}
            if self.command == "PUT":
                proxy.headers.append(headers)
            fault = proxy.decide(self.command, self.path)
            refusal = fault if isinstance(fault, Refusal) else dialect.refusal(self.command, self.path, headers)
            if refusal is not None:
                self.refuse(refusal)
            elif fault in _REFUSALS:
                self.refuse(_REFUSALS[fault])
            elif fault == "reset":
                self.reset()
            else:
                if fault == "slow":
                    time.sleep(SLOW_SECONDS)
                if fault == "damage" and body:
                    body = bytes([body[0] ^ 1]) + body[1:]
                self.forward(body, fault)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = call  # noqa: N815

        def forward(self, body: bytes, fault: object) -> None:
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
            try:
                path, headers = self.path, {name: v for name, v in self.headers.items() if name.lower() != "expect"}
                if dialect is not AMAZON:
                    lower = {name.lower(): value for name, value in headers.items()}
                    path, headers = dialect.forwarded(target, self.command, path, lower, body)
                connection.request(self.command, path, body, headers)
                response = connection.getresponse()
                data = response.read()
            except OSError:  # the upstream server is down, so the proxy's client sees a reset
                self.reset()
                return
            finally:
                connection.close()
            if fault == "lost answer":
                self.reset()
                return
            status, response_headers = dialect.answered(self.command, response)
            data = b"" if status == 304 else data
            self.send_response(status)
            for name, value in response_headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                    self.send_header(name, value)
            length = response.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            if fault == "cut answer":
                self.wfile.write(data[: len(data) // 2])
                self.reset()
            else:
                self.wfile.write(data)

        def refuse(self, refusal: Refusal) -> None:
            text = f"<Code>{refusal.code}</Code><Message>{refusal.message}</Message>{refusal.extra}"
            data = f"<Error>{text}</Error>".encode()
            self.send_response(refusal.status)
            for name, value in refusal.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(0 if self.command == "HEAD" else len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def reset(self) -> None:
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def log_message(self, *arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        """Ignores connection errors: killed clients leave broken connections."""

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with serving(Handler, threading.Event(), Quiet) as endpoint:
        proxy.endpoint = endpoint
        yield proxy
