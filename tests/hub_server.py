"""A local Hugging Face hub: the part of its protocol that `snapshot_download` uses (model info, tree, HEAD and GET of
files with ETag and ranges, errors of gated and private repositories).

Not implemented: redirects to a CDN, and Xet (no file has a Xet hash).
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.http_server import serving

LFS = (".safetensors", ".bin")
GOOD_TOKEN, OTHER_TOKEN = "hf_letinletinletin", "hf_notyetnotyetnotyet"


def checkpoint_files() -> dict[str, bytes]:
    """A repository like BFL's: diffusers' folders, a second copy of the transformer at the root, and unused files."""
    shards = [f"diffusion_pytorch_model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    files: dict[str, bytes] = {
        "model_index.json": json.dumps({"_class_name": "Flux2KleinPipeline"}).encode(),
        "transformer/config.json": json.dumps({"num_attention_heads": 24}).encode(),
        "transformer/diffusion_pytorch_model.safetensors.index.json": json.dumps(
            {"weight_map": {"a": shards[0], "b": shards[1], "c": shards[1]}}
        ).encode(),
        f"transformer/{shards[0]}": bytes(range(256)) * 200,
        f"transformer/{shards[1]}": b"second" * 9000,
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.safetensors": b"vae" * 5000,
        "text_encoder/config.json": b'{"model_type": "qwen3"}',
        "text_encoder/model.safetensors": b"text" * 5000,
        "text_encoder/generation_config.json": b'{"do_sample": false}',
        "tokenizer/tokenizer.json": b'{"model": {}}',
        "tokenizer/tokenizer_config.json": b'{"a": 1}',
        "tokenizer/merges.txt": b"a b\n",
        "tokenizer/chat_template.jinja": b"{{ messages }}",
        "tokenizer/spiece.model": b"pieces",
        "scheduler/scheduler_config.json": b'{"shift": 3.0}',
    }
    unwanted = {
        "flux-2-klein-4b.safetensors": b"single file" * 9000,
        "README.md": b"# a model",
        "vae/diffusion_pytorch_model.bin": b"pickle" * 1000,
        "text_encoder/pytorch_model.pt": b"pickle" * 1000,
        "images/teaser.png": b"png" * 1000,
        "safety_checker/model.safetensors": b"other" * 1000,
    }
    return files | unwanted


@dataclass
class Repository:
    """gated: only GOOD_TOKEN can read its files; the listing is public, as on the real hub."""

    files: dict[str, bytes] = field(default_factory=checkpoint_files)
    gated: bool = False

    @property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + content for name, content in self.files.items())).hexdigest()


@dataclass
class HubServer:
    """Repositories, received requests, and faults.

    sent: how often each file was sent completely. truncated: bytes after which the connection is closed once, keyed by
    file. broken: files that return error 500. held: files that are sent byte by byte and take minutes; `holding` is set
    when one starts. down: every request returns error 503.
    """

    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    ranges: list[tuple[str, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    truncated: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    holding: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    down: bool = False

    def environment(self, home: Path) -> dict[str, str]:
        """The environment variables that make a subprocess use this hub, with a cache below `home`."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }


VARIABLES = ("HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def point_library_at(endpoint: str, home: Path, patch: pytest.MonkeyPatch) -> Path:
    """Makes huggingface_hub use this endpoint and a cache below `home`, and returns the cache. Patches constants,
    because the library reads its settings at import."""
    from huggingface_hub import close_session, constants

    for name in (*VARIABLES, "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        patch.delenv(name, raising=False)
    patch.setenv("NO_PROXY", "127.0.0.1")
    close_session()
    for name, value in {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(home / "hub"),
        "HF_TOKEN_PATH": str(home / "token"),
        "HF_STORED_TOKENS_PATH": str(home / "stored_tokens"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
    }.items():
        patch.setattr(constants, name, value)
    return home / "hub"


@contextmanager
def running_hub_server() -> Iterator[HubServer]:
    """Runs a server without repositories while the block runs."""
    hub = HubServer()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with serving(handler, hub.ended) as hub.endpoint:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if self.hub.down:
            return self._refuse(503, "busy")
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/[^/]+)?", path):
            if repository := self._open(match[1]):
                self._json({"id": match[1], "sha": repository.commit, "gated": "auto" if repository.gated else False})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path):
            if repository := self._open(match[1]):
                self._json([_entry(name, content) for name, content in repository.files.items()])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
            if repository := self._open(match[1], files=True):
                self._file(repository, match[2])
        else:
            self._refuse(404, "Not found")

    def _open(self, name: str, files: bool = False) -> Repository | None:
        """The repository, if the token gives access to it; otherwise sends the error and returns None."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in (GOOD_TOKEN, OTHER_TOKEN):
            self._refuse(401, "Invalid credentials in Authorization header")
        elif name not in self.hub.repositories:
            if token:
                self._refuse(404, "Repository not found", "RepoNotFound")
            else:
                self._refuse(401, "Invalid username or password.")
        elif files and self.hub.repositories[name].gated and token != GOOD_TOKEN:
            self._refuse(403 if token else 401, f"Access to model {name} is restricted.", "GatedRepo")
        else:
            return self.hub.repositories[name]
        return None

    def _file(self, repository: Repository, name: str) -> None:
        content = repository.files.get(name)
        if content is None:
            return self._refuse(404, "Entry not found", "EntryNotFound")
        if name in self.hub.broken and self.command == "GET":
            return self._refuse(500, "Internal error")
        byte_range, start = self.headers.get("Range"), 0
        if byte_range is not None and self.command == "GET":
            self.hub.ranges.append((name, byte_range))
            start = int(byte_range.removeprefix("bytes=").split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", repository.commit)
        self.send_header("ETag", f'"{_entry(name, content)["oid"]}"')
        if name.endswith(LFS):
            self.send_header("X-Linked-ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "GET":
            self._send(name, content[start:])

    def _send(self, name: str, content: bytes) -> None:
        if name in self.hub.held:
            return self._trickle(content)
        if name in self.hub.truncated:
            self.wfile.write(content[: self.hub.truncated.pop(name)])
            self.close_connection = True
            return None
        self.hub.sent[name] += 1
        self.wfile.write(content)
        return None

    def _trickle(self, content: bytes) -> None:
        self.close_connection = True
        self.hub.holding.set()
        with suppress(OSError):
            for number in content:
                self.wfile.write(bytes([number]))
                if self.hub.ended.wait(0.02):
                    return

    def _refuse(self, status: int, message: str, code: str | None = None) -> None:
        self._json({"error": message}, status, {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {}))

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, content in (headers or {}).items():
            self.send_header(name, content)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _entry(name: str, content: bytes) -> dict[str, Any]:
    """A file's entry in the tree. Large files are in LFS, and the tree has the digest of their pointer."""
    digest = hashlib.sha256(content).hexdigest()
    blob = f"oid sha256:{digest}".encode() if name.endswith(LFS) else content
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(blob).hexdigest()}
    if name.endswith(LFS):
        entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
    return entry
