"""An HTTP proxy that injects faults: error statuses, resets, lost or truncated responses, corrupted bodies, delays."""

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

Fault = Literal["403", "500", "503", "reset", "lost answer", "cut answer", "damage", "slow"]
FAULTS: tuple[Fault, ...] = ("500", "503", "reset", "lost answer", "cut answer", "damage", "slow")
"""Transient faults, which a client survives by retrying."""

SLOW_SECONDS = 1.0
Choose = Callable[[str, str], Fault | None]
"""Takes a call's method and path and returns the fault to inject. Called from many threads, one at a time."""


class FaultProxy:
    """`calls` counts the calls keyed by method (or LIST); `injected` counts the faults keyed by kind."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.endpoint = ""
        self.calls: Counter[str] = Counter()
        self.injected: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def decide(self, method: str, path: str) -> Fault | None:
        """Count a call and return the fault to inject, if any."""
        with self._lock:
            self.calls["LIST" if method == "GET" and "list-type" in path else method] += 1
            fault = self.choose(method, path)
            if fault == "damage" and method != "PUT":
                fault = None
            if fault is not None:
                self.injected[fault] += 1
            return fault


@contextmanager
def fault_proxy(target: str, choose: Choose = lambda method, path: None) -> Iterator[FaultProxy]:
    """Run a proxy in front of the server at `target` while the block runs."""
    proxy = FaultProxy(choose)
    upstream = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def call(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            fault = proxy.decide(self.command, self.path)
            if fault in ("403", "500", "503"):
                self.refuse(int(fault))
            elif fault == "reset":
                self.reset()
            else:
                if fault == "slow":
                    time.sleep(SLOW_SECONDS)
                if fault == "damage" and body:
                    body = bytes([body[0] ^ 1]) + body[1:]
                self.forward(body, fault)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = call  # noqa: N815

        def forward(self, body: bytes, fault: Fault | None) -> None:
            connection = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                connection.request(self.command, self.path, body, headers)
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
            self.send_response(response.status)
            for name, value in response.getheaders():
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

        def refuse(self, status: int) -> None:
            code = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}[status]
            data = f"<Error><Code>{code}</Code><Message>hush-hush</Message></Error>".encode()
            self.send_response(status)
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
