"""Serves the review page on 127.0.0.1 and writes decisions to the store.

All addresses begin with a random token, so that neither other users of the machine nor pages of other sites can read or
decide anything. Requests for another host (DNS rebinding) or from another origin are refused. Nothing is opened by a
path: pictures are found by the keys of the manifest, thumbnails by SHA-256.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.pipeline.deliver.author import MAX_REASON, Author
from brandpress.pipeline.deliver.choose import Picture
from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.deliver.manifest import read_pointer
from brandpress.pipeline.deliver.proposal import Proposal, PublishedPictures, Wish, apply_one
from brandpress.pipeline.deliver.record import invalid_fields
from brandpress.pipeline.review.page.content import PageSettings, ReviewedPictures, decision_json, page_content
from brandpress.pipeline.review.page.document import page_html, policy
from brandpress.pipeline.review.page.load import BrandContext, picture_sources, read_reviewed, stored_size
from brandpress.pipeline.review.page.thumbnails import FOLDER, PictureSource, Thumbnails
from brandpress.pipeline.store.protocol import Store, StoreError

HOST = "127.0.0.1"
MAX_BODY = 64 * 1024
TIMEOUT = 30.0
"""Seconds that a client may take for a request."""
PICTURES = "pictures/"
_THUMBNAIL = re.compile(rf"{FOLDER}/([0-9a-f]{{64}})\.webp")


class PostedDecision(BaseModel):
    """What the page sends. seen: the time of the decision that it shows, if there is one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=1024)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    decision: Wish
    reason: str = Field(default="", max_length=MAX_REASON)
    seen: AwareDatetime | None = None


@dataclass
class ReviewDesk:
    """A campaign under review: what the page shows, and the decisions that it takes. Its calls can be made by several
    threads.

    by: who decides. thumbnails: where they are kept. names: output names of the pictures to show; None for all.
    """

    folder: Store
    context: BrandContext
    thumbnails: Thumbnails
    by: str
    names: Set[str] | None = None
    _lock: Lock = field(default_factory=Lock)
    _published: tuple[str, PublishedPictures | None] = ("", None)
    _sources: Mapping[str, PictureSource] = field(default_factory=dict)
    _assets: Mapping[str, str] = field(default_factory=dict)

    def page(self) -> bytes:
        """Returns the page with what the store has now. Raises StoreError."""
        reviewed = self._read()[0].only(self.names)
        return page_html(page_content(reviewed, PageSettings(PICTURES, served=True, by=self.by)))

    def thumbnail(self, sha256: str) -> bytes | None:
        """Returns a thumbnail; None if the page shows no such picture, or if it's missing or damaged."""
        source = self._sources.get(sha256)
        if source is None or self.thumbnails.make(source):
            return None
        return self.thumbnails.file(sha256).read_bytes()

    def picture(self, asset: str) -> tuple[bytes, str] | None:
        """Returns the content and the content type of an asset; None if the page doesn't link to it."""
        kind = self._assets.get(asset)
        data = None if kind is None else self.folder.read(asset)
        return None if data is None else (data, CONTENT_TYPES.get(kind or "", "application/octet-stream"))

    def decide(self, posted: PostedDecision) -> tuple[HTTPStatus, dict[str, Any]]:
        """Writes a decision. Returns the status and the values of the response. Raises StoreError and RequestError."""
        author = Author.of(self.by, posted.reason.strip() or None)
        pointer = read_pointer(self.folder)
        manifest, pictures = self._published
        if pictures is None or manifest != (pointer.sha256 if pointer else ""):
            _, pictures = self._read()
        proposal = Proposal(
            posted.name, posted.sha256, posted.decision, author.by, author.at, author.reason, posted.seen
        )
        answer = apply_one(self.folder, pictures, proposal)
        decision = None if answer.decision is None else decision_json(answer.decision)
        if answer.state == "refused":
            return HTTPStatus.CONFLICT, {"error": answer.why, "decision": decision}
        return HTTPStatus.OK, {"decision": decision}

    def _read(self) -> tuple[ReviewedPictures, PublishedPictures]:
        with self._lock:
            pointer = read_pointer(self.folder)
            reviewed = read_reviewed(self.folder, self.context)
            size = stored_size(reviewed.manifest)
            sources = picture_sources(self.folder, reviewed.records, self.context.references, size)
            self._sources = {source.sha256: source for source in sources}
            self._assets = {one["asset"]: str(one.get("format")) for one in (*reviewed.records, *reviewed.earlier)}
            pictures = PublishedPictures.of(map(_picture, reviewed.records))
            self._published = pointer.sha256 if pointer else "", pictures
            return reviewed, pictures


def _picture(record: Mapping[str, Any]) -> Picture:
    return Picture(record["name"], record["render_key"], record["sha256"], record["axes"])


def hosts_at(port: int) -> frozenset[str]:
    """Returns how clients name the server at a port: they leave out 80, the one of http."""
    return frozenset({f"{HOST}:{port}", HOST} if port == 80 else {f"{HOST}:{port}"})


class ReviewServer(ThreadingHTTPServer):
    """The server of one campaign's page. port: 0 for any that is free. Raises RequestError if the port is taken."""

    daemon_threads = True

    def __init__(self, desk: ReviewDesk, port: int = 0, log: Callable[[str], None] = lambda line: None) -> None:
        self.desk, self.log = desk, log
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise RequestError(f"--port {port}: {error.strerror or error}; choose another one, or 0 for any") from None

    @property
    def origin(self) -> str:
        """The server's address without a path."""
        return f"http://{HOST}:{self.server_address[1]}"

    @property
    def hosts(self) -> frozenset[str]:
        """What clients may write into `Host`."""
        return hosts_at(self.server_address[1])

    @property
    def url(self) -> str:
        """The page's address."""
        return f"{self.origin}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that go away."""


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version = "brandpress"
    sys_version = ""
    timeout = TIMEOUT

    def do_GET(self) -> None:
        path = self._path()
        if path is None:
            return
        try:
            if path == "":
                page = self.server.desk.page()
                self._send(HTTPStatus.OK, page, "text/html; charset=utf-8")
            elif match := _THUMBNAIL.fullmatch(path):
                self._send_file(self.server.desk.thumbnail(match[1]), "image/webp")
            elif path.startswith(PICTURES):
                data, kind = self.server.desk.picture(unquote(path.removeprefix(PICTURES))) or (None, "")
                self._send_file(data, kind)
            else:
                self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")
        except BrandpressError as error:
            self._refuse(HTTPStatus.BAD_GATEWAY, str(error))

    def do_POST(self) -> None:
        path = self._path()
        if path is None:
            return
        length = self.headers.get("Content-Length", "")
        if path != "decisions" or self.headers.get_content_type() != "application/json":
            return self._refuse(HTTPStatus.NOT_FOUND, "decisions are sent as JSON to decisions")
        if not length.isascii() or not length.isdigit() or int(length) > MAX_BODY:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {MAX_BODY:,} bytes")
        try:
            posted = PostedDecision.model_validate_json(self.rfile.read(int(length)))
            status, values = self.server.desk.decide(posted)
        except ValidationError as error:
            return self._refuse(HTTPStatus.BAD_REQUEST, f"not a decision: {invalid_fields(error)}")
        except (StoreError, RequestError) as error:
            return self._refuse(HTTPStatus.BAD_GATEWAY, str(error))
        if status == HTTPStatus.OK:
            self.server.log(f"{posted.name}: {posted.decision}" + (f": {posted.reason}" if posted.reason else ""))
        return self._send_json(status, values)

    def _path(self) -> str | None:
        """Returns the path behind the token; None if the request is refused."""
        token, _, path = urlsplit(self.path).path.removeprefix("/").partition("/")
        if self.headers.get("Host", "") not in self.server.hosts:
            self._refuse(HTTPStatus.FORBIDDEN, "this host isn't served here")
        elif self._is_cross_origin():
            self._refuse(HTTPStatus.FORBIDDEN, "requests of other sites are refused")
        elif not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "open the address that brandpress review --serve printed")
        else:
            return path
        return None

    def _is_cross_origin(self) -> bool:
        """Whether a browser says that a page of another site sends the request. Links may open the page."""
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "none")
        foreign = site not in ("none", "same-origin") and self.command != "GET"
        return foreign or (origin is not None and origin not in {f"http://{host}" for host in self.server.hosts})

    def _send_file(self, data: bytes | None, kind: str) -> None:
        if data is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such picture")
        return self._send(HTTPStatus.OK, data, kind, cache="private, max-age=3600, immutable")

    def _send_json(self, status: HTTPStatus, values: Mapping[str, Any]) -> None:
        self._send(status, json.dumps(values).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True
        self._send_json(status, {"error": why})

    def _send(self, status: HTTPStatus, data: bytes, kind: str, cache: str = "no-store") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Cache-Control": cache,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Content-Security-Policy": f"{_SERVED_POLICY if kind.startswith('text/html') else 'sandbox'}; "
            "frame-ancestors 'none'",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests aren't logged: their paths have the token."""


_SERVED_POLICY = policy({"settings": {"served": True, "pictures": PICTURES}})


def desk_of(
    folder: Store, context: BrandContext, out: Path, by: str | None, names: Set[str] | None = None
) -> ReviewDesk:
    """Returns the desk of a campaign. out: the folder of its page. by: who decides; default: the user. names: of the
    pictures to show; None for all."""
    return ReviewDesk(folder, context, Thumbnails(out), Author.of(by, None).by, names)
