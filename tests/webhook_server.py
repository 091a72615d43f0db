"""A real server of webhooks on 127.0.0.1, over HTTP or TLS."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event

import trustme

from tests.http_server import serving

HOST = "hooks.example.com"


@dataclass
class Received:
    """A request: its path, headers in lower case, and body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class WebhookServer:
    """answers: status and headers of the first requests; the rest gets 204. hang: answer nothing."""

    port: int = 0
    trust: ssl.SSLContext | None = None
    ca_pem: bytes = b""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    hang: bool = False
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook" if self.trust is None else f"https://{HOST}:{self.port}/hook"


@contextmanager
def running_webhook_server(*, tls: bool = False) -> Iterator[WebhookServer]:
    """Yields a running server. Its certificate is for HOST."""
    site, ended = WebhookServer(), Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            site.received.append(Received(self.path, headers, body))
            if site.hang:
                ended.wait(60)
                return
            status, extra = site.answers.pop(0) if site.answers else (204, {})
            with suppress(OSError):
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
            super().__init__(address, handler)
            if tls:
                authority = trustme.CA()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                authority.issue_cert(HOST).configure_cert(context)
                self.socket = context.wrap_socket(self.socket, server_side=True)
                site.trust = ssl.create_default_context()
                authority.configure_trust(site.trust)
                site.ca_pem = authority.cert_pem.bytes()

    with serving(Handler, ended, Server) as url:
        site.port = int(url.rpartition(":")[2])
        yield site


def loopback(host: str, port: int) -> list[str]:
    """Resolves every host to this machine."""
    return ["127.0.0.1"]


def no_sleep(seconds: float) -> None:
    """Waits a moment only, for tests of repeated attempts."""
    time.sleep(0.001)
