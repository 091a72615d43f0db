"""BFL's API for tests, which can't reach the real service: it speaks the protocol as documented (docs.bfl.ai) over HTTP
on 127.0.0.1. POST of a task, GET of its status with the same key, GET of its picture by a signed address.

What a task does is chosen by its prompt, so that tests say what goes wrong, and with which of many.
"""

from __future__ import annotations

import io
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.http_server import serving

KEY = "bfl_0123456789-TheKeyThatNobodyMaySee"
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1hZGRyZXNz"
COST = 4.5


@dataclass(frozen=True)
class Reply:
    """An answer in place of the usual one. lost: the connection is closed without any, or in the middle of `body`.
    held: none comes until the server ends. raw: bytes that are no HTTP."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    held: bool = False
    raw: bytes = b""


@dataclass
class Script:
    """How the tasks of a prompt go. submit, polls, downloads: replies before the usual one, each given once. seconds:
    how long the task takes. gate: it isn't ready before this is set. status: what it ends in, with `fields` beside.
    accepted: fields of the POST's answer that differ. sample, picture: in place of the right ones."""

    submit: list[Reply] = field(default_factory=list)
    polls: list[Reply] = field(default_factory=list)
    downloads: list[Reply] = field(default_factory=list)
    seconds: float = 0.0
    gate: threading.Event | None = None
    status: Any = "Ready"
    fields: dict[str, Any] = field(default_factory=dict)
    accepted: dict[str, Any] = field(default_factory=dict)
    sample: str | None = None
    picture: bytes | None = None


@dataclass(frozen=True)
class Call:
    """One request that came in; body: of a POST."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None = None


@dataclass
class Task:
    """One that was accepted."""

    id: str
    body: dict[str, Any]
    script: Script
    began: float = field(default_factory=time.monotonic)
    ended: bool = False

    @property
    def ready(self) -> bool:
        open_ = self.script.gate is None or self.script.gate.is_set()
        return open_ and time.monotonic() - self.began >= self.script.seconds


@dataclass
class BflServer:
    """What it was asked, and what it does. most_under_way: how many tasks were under way at once, at most."""

    url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    usual: Script = field(default_factory=Script)
    calls: list[Call] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    most_under_way: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def script(self, prompt: str, **fields: Any) -> Script:
        """Make a prompt's tasks go in a way of their own."""
        self.scripts[prompt] = Script(**fields)
        return self.scripts[prompt]

    @property
    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.method == "POST"]

    @property
    def polls(self) -> list[Call]:
        return [call for call in self.calls if call.path.startswith("/v1/get_result")]

    @property
    def downloads(self) -> list[Call]:
        return [call for call in self.calls if call.path.startswith("/results")]

    @property
    def under_way(self) -> int:
        return sum(not task.ended for task in self.tasks.values())


def picture_of(seed: int, size: tuple[int, int], kind: str = "PNG") -> bytes:
    """The picture that the service makes of a seed."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour_of(seed)).save(buffer, kind)
    return buffer.getvalue()


def colour_of(seed: int) -> tuple[int, int, int]:
    return seed % 256, seed // 256 % 256, 77


@contextmanager
def running_bfl_server() -> Iterator[BflServer]:
    """The server while the block runs."""
    bfl = BflServer()
    handler = type("Handler", (_Handler,), {"bfl": bfl})
    with serving(handler, bfl.ended, _Server) as bfl.url:
        yield bfl


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bfl: BflServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.bfl.lock:
            self.bfl.calls.append(Call("POST", self.path, self._headers(), body))
            script = self.bfl.scripts.get(body["prompt"], self.bfl.usual)
            reply = script.submit.pop(0) if script.submit else None
        if reply is not None:
            self._send(reply)
        elif self.headers.get("x-key") != KEY:
            self._send(Reply(401, {"detail": "Not authenticated"}))
        else:
            self._send(Reply(200, self._accept(body, script)))

    def do_GET(self) -> None:
        with self.bfl.lock:
            self.bfl.calls.append(Call("GET", self.path, self._headers()))
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if address.path == "/v1/get_result":
            self._send(self._status(query["id"][0]))
        elif address.path.startswith("/results/") and query.get("sig") == [SIGNATURE]:
            self._send(self._picture(address.path.removeprefix("/results/")))
        else:
            self._send(Reply(404, {"detail": "Not Found"}))

    def _accept(self, body: dict[str, Any], script: Script) -> dict[str, Any]:
        task = Task(secrets.token_hex(8), body, script)
        with self.bfl.lock:
            self.bfl.tasks[task.id] = task
            self.bfl.most_under_way = max(self.bfl.most_under_way, self.bfl.under_way)
        address = f"{self.bfl.url}/v1/get_result?id={task.id}"
        return {"id": task.id, "polling_url": address, "cost": COST, "input_mp": 0, "output_mp": 1} | script.accepted

    def _status(self, name: str) -> Reply:
        task = self.bfl.tasks.get(name)
        if self.headers.get("x-key") != KEY:
            return Reply(401, {"detail": "Not authenticated"})
        if task is None:
            return Reply(404, {"id": name, "status": "Task not found"})
        with self.bfl.lock:
            if task.script.polls:
                return task.script.polls.pop(0)
            if not task.ready:
                return Reply(200, {"id": name, "status": "Pending", "result": None})
            task.ended = True
        sample = task.script.sample or f"{self.bfl.url}/results/{name}?sig={SIGNATURE}"
        result = {"sample": sample, "seed": task.body["seed"]} if task.script.status == "Ready" else None
        return Reply(200, {"id": name, "status": task.script.status, "result": result} | task.script.fields)

    def _picture(self, name: str) -> Reply:
        task = self.bfl.tasks[name]
        with self.bfl.lock:
            if task.script.downloads:
                return task.script.downloads.pop(0)
        size = (task.body["width"], task.body["height"])
        data = picture_of(task.body["seed"], size) if task.script.picture is None else task.script.picture
        return Reply(200, data, {"Content-Type": "image/png"})

    def _send(self, reply: Reply) -> None:
        if reply.held:
            self.bfl.ended.wait()
        if reply.held or reply.raw or (reply.lost and reply.body is None):
            self.wfile.write(reply.raw)
            self.close_connection = True
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if reply.lost else data)
        self.close_connection = self.close_connection or reply.lost

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def log_message(self, *_: object) -> None:
        pass
