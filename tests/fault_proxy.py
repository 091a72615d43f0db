"""A proxy before an HTTP server that spoils calls as it's told: errors, resets, lost answers, damage, delay."""

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
"""Those that pass."""

SLOW_SECONDS = 1.0
Choose = Callable[[str, str], Fault | None]
"""Of a call's method and path: what is to happen to it. Called from many threads, but one at a time."""


class FaultProxy:
    """`seen` counts calls by method and query kind, `done` the faults that were made, by kind."""

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.endpoint = ""
        self.seen: Counter[str] = Counter()
        self.done: Counter[Fault] = Counter()
        self._lock = threading.Lock()

    def decide(self, method: str, path: str) -> Fault | None:
        """What happens to a call."""
        with self._lock:
            self.seen["LIST" if method == "GET" and "list-type" in path else method] += 1
            fault = self.choose(method, path)
            if fault == "damage" and method != "PUT":
                fault = None
            if fault is not None:
                self.done[fault] += 1
            return fault


@contextmanager
def fault_proxy(target: str, choose: Choose = lambda method, path: None) -> Iterator[FaultProxy]:
    """The proxy before the server at `target` while the block runs."""
    proxy = FaultProxy(choose)
    place = urlsplit(target)

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
            connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                data = answer.read()
            except OSError:  # the server is down: so is whoever stands before it
                self.reset()
                return
            finally:
                connection.close()
            if fault == "lost answer":
                self.reset()
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
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
        """Clients that are killed end their connections in all ways."""

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    with serving(Handler, threading.Event(), Quiet) as endpoint:
        proxy.endpoint = endpoint
        yield proxy
