"""A minimal S3 server for behaviour that SeaweedFS doesn't have: no conditional writes, conflicts, error responses.

Supports PUT, GET and HEAD of objects, in memory, without credentials.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class BareS3:
    """conditional: how If-None-Match and If-Match are handled: `ignore` or `refuse` (501). responses: (status, code)
    of the first PUTs, before the server behaves normally. put_headers: the headers of each PUT, keys in lower case."""

    conditional: str = "ignore"
    responses: list[tuple[int, str]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    put_headers: list[dict[str, str]] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def bare_s3(server: BareS3) -> Iterator[BareS3]:
    """Runs the server within the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            server.put_headers.append({name.lower(): value for name, value in self.headers.items()})
            if server.responses:
                self.respond(*server.responses.pop(0))
            elif server.conditional == "refuse" and (self.headers["If-None-Match"] or self.headers["If-Match"]):
                self.respond(501, "NotImplemented")
            else:
                server.objects[self.path] = data
                self.respond(200)

        def do_GET(self) -> None:
            if self.path not in server.objects:
                self.respond(404, "NoSuchKey")
            else:
                self.respond(200, body=server.objects[self.path])

        do_HEAD = do_GET  # noqa: N815

        def respond(self, status: int, code: str = "", body: bytes = b"") -> None:
            if code:
                body = f"<Error><Code>{code}</Code><Message>hush-hush</Message></Error>".encode()
            self.send_response(status)
            stored = server.objects.get(self.path, b"")
            self.send_header("ETag", f'"{hashlib.md5(stored).hexdigest()}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.endpoint = f"http://127.0.0.1:{http.server_port}"
        Thread(target=http.serve_forever, daemon=True).start()
        yield server
        http.shutdown()
