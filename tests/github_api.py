"""A local server with the part of GitHub's API that comments on pull requests need: tests can't reach the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.http_server import serving

TOKEN = "ghs_0123456789012345678901234567890123456789"
BOT = "github-actions[bot]"


@dataclass
class GitHub:
    """The comments of pull request 7 of acme/campaigns. refusal: the status of all replies, if not 0."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refusal: int = 0

    def add(self, body: str, author: str) -> dict[str, Any]:
        number = len(self.comments) + 1
        entry = {"id": number, "body": body, "user": {"login": author}, "html_url": f"https://github.example/{number}"}
        self.comments.append(entry)
        return entry


@contextmanager
def running_github() -> Iterator[GitHub]:
    """Yields a running server."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            self._answer(200, github.comments[(page - 1) * size : page * size])

        def do_POST(self) -> None:
            self._answer(201, lambda: github.add(self._body(), BOT))

        def do_PATCH(self) -> None:
            def change() -> dict[str, Any]:
                entry = github.comments[int(self.path.rpartition("/")[2]) - 1]
                entry["body"] = self._body()
                return entry

            self._answer(200, change)

        def _body(self) -> str:
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return str(data["body"])

        def _answer(self, status: int, value: Any) -> None:
            path = urlsplit(self.path).path
            github.requests.append(f"{self.command} {path}")
            known = path in ("/repos/acme/campaigns/issues/7/comments",) or "/issues/comments/" in path
            if github.refusal or not known or self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, value = github.refusal or (404 if not known else 401), {"message": "no"}
            data = json.dumps(value() if callable(value) else value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with serving(Handler, threading.Event()) as url:
        github.url = url
        yield github
