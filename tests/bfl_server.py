"""A local server with BFL's API, as documented on docs.bfl.ai.

Clients POST a task, GET its status with the key, and GET its picture from a signed URL. A task's prompt selects its
behaviour, so that a test can make particular tasks fail.
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

KEY = "bfl_0123456789-TheKeyThatMustNotLeak"
SIGNATURE = "c2lnbmF0dXJlLW9mLXRoZS1hZGRyZXNz"
COST = 4.5


@dataclass(frozen=True)
class Reply:
    """A response that replaces the normal one.

    lost: the connection is closed before the response, or in the middle of `body`. held: nothing is sent until the
    server ends. raw: bytes that aren't HTTP.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    held: bool = False
    raw: bytes = b""


@dataclass
class Script:
    """The behaviour of a prompt's tasks.

    submit, polls, downloads: replies before the normal one, each sent once. seconds: the task's duration. gate: the
    task isn't ready before this is set. status, fields: the final status response. accepted: fields that replace those
    of the POST's response. sample, picture: replace the normal URL and picture.
    """

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
    """A received request. body: the JSON of a POST."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None = None


@dataclass
class Task:
    """An accepted task."""

    id: str
    body: dict[str, Any]
    script: Script
    started: float = field(default_factory=time.monotonic)
    ended: bool = False

    @property
    def ready(self) -> bool:
        """Whether the picture is ready."""
        gate_open = self.script.gate is None or self.script.gate.is_set()
        return gate_open and time.monotonic() - self.started >= self.script.seconds


@dataclass
class BflServer:
    """The server's scripts, received requests and tasks. max_running: the highest number of concurrent tasks."""

    url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    default: Script = field(default_factory=Script)
    calls: list[Call] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    max_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def script(self, prompt: str, **fields: Any) -> Script:
        """Sets the behaviour of a prompt's tasks and returns it."""
        self.scripts[prompt] = Script(**fields)
        return self.scripts[prompt]

    @property
    def posts(self) -> list[Call]:
        """The requests that submit tasks."""
        return [call for call in self.calls if call.method == "POST"]

    @property
    def polls(self) -> list[Call]:
        """The requests for a task's status."""
        return [call for call in self.calls if call.path.startswith("/v1/get_result")]

    @property
    def downloads(self) -> list[Call]:
        """The requests for pictures."""
        return [call for call in self.calls if call.path.startswith("/results")]

    @property
    def running(self) -> int:
        """The number of unfinished tasks."""
        return sum(not task.ended for task in self.tasks.values())


def picture_of(seed: int, size: tuple[int, int], kind: str = "PNG") -> bytes:
    """Returns the encoded picture that the server sends for a seed: its colour, except for the last pixel, because a
    picture of one colour counts as a failure."""
    buffer = io.BytesIO()
    picture = Image.new("RGB", size, colour_of(seed))
    picture.putpixel((size[0] - 1, size[1] - 1), (255, 255, 255))
    picture.save(buffer, kind)
    return buffer.getvalue()


def colour_of(seed: int) -> tuple[int, int, int]:
    """Returns the colour of a seed's picture."""
    return seed % 256, seed // 256 % 256, 77


@contextmanager
def running_bfl_server() -> Iterator[BflServer]:
    """Runs the server while the block runs."""
    bfl = BflServer()
    handler = type("Handler", (_Handler,), {"bfl": bfl})
    with serving(handler, bfl.ended, _Server) as bfl.url:
        yield bfl


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Ignores clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    bfl: BflServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.bfl.lock:
            self.bfl.calls.append(Call("POST", self.path, self._headers(), body))
            script = self.bfl.scripts.get(body["prompt"], self.bfl.default)
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
            self.bfl.max_running = max(self.bfl.max_running, self.bfl.running)
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
