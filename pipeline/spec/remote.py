"""Downloads reference pictures and feeds: over https only, from hosts that this machine's operator allows, never from
private addresses.

A brand spec can come from a stranger's pull request. Therefore a host's addresses are resolved once and checked, the
connection goes to a checked address, redirects aren't followed, and the size of a download is limited. Addresses with a
query are rejected, because a signature in it would end up in records.

A file that is in the cache is downloaded again only if its server says that it has changed.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as escape

from brandpress.pipeline.spec.download_cache import CachedAddress, DownloadCache
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.public_address import is_public

HOSTS = "BRANDPRESS_REFERENCE_HOSTS"
"""Environment variable: allowed hosts, separated by commas; `*.example.com` allows all subdomains."""

MAX_SECONDS = 60.0
SOCKET_SECONDS = 15.0
CHUNK = 1 << 16
PORT = 443
MAX_FAILED_CONNECTS = 3
"""To a host in a row; then nothing more is fetched from it."""

DOWNLOAD_IT = "download it into the brand spec's folder"
"""The advice at the end of errors."""


class ForbiddenHostError(WrongValueError):
    """The operator of this machine doesn't allow the host of an address."""

    def __init__(self, url: str, host: str) -> None:
        what = f"{quote(url)} can't be fetched: this machine doesn't allow {quote(host)}"
        super().__init__(what, f"{DOWNLOAD_IT}, or add the host to {HOSTS}")
        self.host = host


_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_MOVED = (301, 302, 303, 307, 308)

Host = tuple[str, int]
"""A host's name and port."""

Resolve = Callable[[str, int], Sequence[str]]


def is_address(file: str) -> bool:
    """Returns whether a reference is an address, not a path."""
    return _ADDRESS.match(file) is not None


def addresses_of(host: str, port: int) -> list[str]:
    """Returns the IP addresses of a host, without duplicates. Raises OSError."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def fetch(url: str, max_bytes: int) -> Path:
    """Downloads one file and returns its path in the cache. See `Downloader.fetch`."""
    with Downloader() as downloader:
        return downloader.fetch(url, max_bytes)


class Downloader:
    """Downloads files, on several threads if you like. Each thread keeps its connection to a host for the next file."""

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        context: ssl.SSLContext | None = None,
        folder: Path | None = None,
        seconds: float = MAX_SECONDS,
    ) -> None:
        """resolve: looks up a host's IP addresses; default: `addresses_of`. context: which certificates to trust;
        default: the system's. folder: the cache; default: the user's. seconds: for each file, after its host's
        addresses are known, however slowly the host sends its bytes."""
        self._resolve = resolve or addresses_of
        self._context, self._seconds = context, seconds
        self._cache = DownloadCache(folder)
        self._checked_addresses: dict[Host, str] = {}
        self._given_up: dict[Host, str] = {}  # host -> why nothing more is fetched from it
        self._failed_connects: Counter[Host] = Counter()  # since the last successful one
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._connections: list[PinnedConnection] = []

    def __enter__(self) -> Downloader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def fetch(self, url: str, max_bytes: int) -> Path:
        """Returns the path of the file at `url` in the cache. Raises WrongValueError."""
        parts = _checked(url)
        host = (str(parts.hostname), parts.port or PORT)
        connection = self._connection(url, host)
        deadline = threading.Timer(self._seconds, connection.abort)
        deadline.daemon = True
        deadline.start()
        try:
            return self._fetch(connection, parts, url, max_bytes)
        except (OSError, ValueError, http.client.HTTPException) as error:
            slow = f"takes longer than {self._seconds:g} s"
            reason = slow if connection.aborted else getattr(error, "strerror", None) or type(error).__name__
            if connection.unreachable:
                self._count_failed_connect(host, reason)
            if connection.aborted:
                raise WrongValueError(f"{quote(url)} {slow}", DOWNLOAD_IT) from None
            raise WrongValueError(f"{quote(url)} can't be fetched: {reason}", "try again, or " + DOWNLOAD_IT) from None
        finally:
            deadline.cancel()
            if not connection.unreachable:
                self._failed_connects.pop(host, None)

    def _count_failed_connect(self, host: Host, reason: str) -> None:
        with self._lock:
            self._failed_connects[host] += 1
            if self._failed_connects[host] >= MAX_FAILED_CONNECTS:
                times = f"{MAX_FAILED_CONNECTS} connections in a row have failed"
                self._given_up.setdefault(host, f"{quote(host[0])} can't be reached, {times}: {reason}")

    def _connection(self, url: str, host: Host) -> PinnedConnection:
        """Returns this thread's connection to a host, which may not be open yet."""
        own: dict[Host, PinnedConnection] = self._of_thread.__dict__.setdefault("connections", {})
        address = self._address(url, host)
        connection = own.get(host)
        if connection is None or connection.aborted:
            connection = own[host] = PinnedConnection(*host, address, self._trust())
            with self._lock:
                self._connections.append(connection)
        return connection

    def _address(self, url: str, host: Host) -> str:
        """Returns a public address of a host, which is looked up once. Raises WrongValueError if it has none, or if
        the host was given up."""
        if host not in self._checked_addresses:
            self._look_up(host)
        if host in self._given_up:
            raise WrongValueError(f"{quote(url)}: {self._given_up[host]}", DOWNLOAD_IT)
        return self._checked_addresses[host]

    def _look_up(self, host: Host) -> None:
        if host in self._given_up:
            return
        try:
            addresses = self._resolve(*host)
        except (OSError, UnicodeError):
            self._given_up[host] = f"there is no host {quote(host[0])}"
            return
        if addresses and all(map(is_public, addresses)):
            self._checked_addresses[host] = addresses[0]
        else:
            self._given_up[host] = f"{quote(host[0])} is an address of a private network"

    def _trust(self) -> ssl.SSLContext:
        with self._lock:
            self._context = self._context or ssl.create_default_context()
        return self._context

    def _fetch(self, connection: PinnedConnection, parts: SplitResult, url: str, max_bytes: int) -> Path:
        cached = self._cache.find(url)
        complete = False
        try:
            response = _response(connection, parts, cached[0].conditions if cached else {})
            if cached is not None and response.status == http.client.NOT_MODIFIED:
                response.read()
                path = cached[1]
            else:
                path = self._cache.store(_read(connection, response, url, max_bytes))
                etag, last_modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
                self._cache.remember(url, CachedAddress.of(path.name, etag, last_modified))
            complete = True
            return path
        finally:
            if not complete:  # an unread response would be taken for that of the next request
                connection.close()


class PinnedConnection(http.client.HTTPSConnection):
    """A connection to one IP address of a host that checks the host's certificate."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SOCKET_SECONDS, context=context)
        self._address, self._trust = address, context
        self._open: socket.socket | None = None
        self.aborted = self.unreachable = False

    def connect(self) -> None:
        self.unreachable = True  # until it's connected
        self._open = plain = socket.create_connection((self._address, self.port), SOCKET_SECONDS)
        if self.aborted:
            raise TimeoutError
        self._open = self.sock = self._trust.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()
        if self.aborted:
            raise TimeoutError
        self.unreachable = False

    def abort(self) -> None:
        """Ends the connection from another thread, whatever it waits for."""
        self.aborted = True
        if self._open is not None:
            with suppress(OSError):
                self._open.shutdown(socket.SHUT_RDWR)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongValueError(f"{quote(url)} isn't an address", DOWNLOAD_IT) from None
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise WrongValueError(f"{quote(url)} can't be fetched", f"allowed: https://host/path; {DOWNLOAD_IT}")
    if parts.username is not None or parts.password is not None:
        raise WrongValueError("an address must not hold credentials", DOWNLOAD_IT)
    if parts.query or parts.fragment:
        raise WrongValueError(
            f"{quote(url.partition('?')[0])} has a query or a fragment",
            f"remove '?' or '#' and everything after it; {DOWNLOAD_IT}",
        )
    allowed = [name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if not any(fnmatchcase(parts.hostname, name) for name in allowed):
        raise ForbiddenHostError(url, parts.hostname)
    return parts


def _response(connection: PinnedConnection, parts: SplitResult, conditions: dict[str, str]) -> http.client.HTTPResponse:
    """Returns the response to a request. A kept connection that its server has closed since is opened again."""
    path = escape(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    headers = {"Accept": "image/*, */*;q=0.8", "User-Agent": "brandpress", **conditions}
    reused = connection.sock is not None
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse()
    except (ConnectionError, http.client.RemoteDisconnected):
        connection.close()
        if not reused or connection.aborted:
            raise
        connection.request("GET", path, headers=headers)
        return connection.getresponse()


def _read(
    connection: PinnedConnection, response: http.client.HTTPResponse, url: str, max_bytes: int
) -> Iterator[bytes]:
    """Yields the content of a response."""
    if response.status in _MOVED:
        raise WrongValueError(f"{quote(url)} has moved (HTTP {response.status})", "write the address that it moved to")
    if response.status != http.client.OK:
        raise WrongValueError(f"{quote(url)} can't be fetched: the server returned HTTP {response.status}", DOWNLOAD_IT)
    size = 0
    while chunk := response.read(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise WrongValueError(
                f"{quote(url)} is larger than {max_bytes:,} bytes", f"allowed: at most {max_bytes:,} bytes"
            )
        if connection.aborted:
            raise TimeoutError
        yield chunk
    if connection.aborted:  # a shut-down socket looks like the end of a response without a length
        raise TimeoutError
