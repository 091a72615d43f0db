"""An S3 without an own will: what stores do that SeaweedFS doesn't (no conditional writes, conflicts, wrong answers).

Knows PUT, GET and HEAD of objects, keeps them in memory, asks for no credentials. `answers` are given first.
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
    """conditional: what it does about If-None-Match and If-Match: `ignore` or `refuse` (501)."""

    conditional: str = "ignore"
    answers: list[tuple[int, str]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def bare_s3(server: BareS3) -> Iterator[BareS3]:
    """The server while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            server.seen.append({name.lower(): value for name, value in self.headers.items()})
            if server.answers:
                self.answer(*server.answers.pop(0))
            elif server.conditional == "refuse" and (self.headers["If-None-Match"] or self.headers["If-Match"]):
                self.answer(501, "NotImplemented")
            else:
                server.objects[self.path] = data
                self.answer(200)

        def do_GET(self) -> None:
            if self.path not in server.objects:
                self.answer(404, "NoSuchKey")
            else:
                self.answer(200, body=server.objects[self.path])

        do_HEAD = do_GET  # noqa: N815

        def answer(self, status: int, code: str = "", body: bytes = b"") -> None:
            if code:
                body = f"<Error><Code>{code}</Code><Message>hush-hush</Message></Error>".encode()
            self.send_response(status)
            standing = server.objects.get(self.path, b"")
            self.send_header("ETag", f'"{hashlib.md5(standing).hexdigest()}"')
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
