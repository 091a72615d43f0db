"""Downloads reference pictures: over https only, from hosts that this machine's operator allows, never from private
addresses.

A brand spec can come from a stranger's pull request. Therefore a host's addresses are resolved once and checked, the
connection goes to a checked address, redirects aren't followed, and the download is limited to the maximum size of a
reference. Addresses with a query are rejected, because a signature in it would end up in records.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as escape

from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError

HOSTS = "BRANDPRESS_REFERENCE_HOSTS"
"""Environment variable: allowed hosts, separated by commas; `*.example.com` allows all subdomains."""

MAX_SECONDS = 60.0
SOCKET_SECONDS = 15.0
CHUNK = 1 << 16
PORT = 443

_LOCAL = "download it into the brand spec's folder"
_NAT64 = IPv6Network("64:ff9b::/96")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")

Resolve = Callable[[str, int], Sequence[str]]


def is_address(file: str) -> bool:
    """Returns whether a reference is an address, not a path."""
    return _ADDRESS.match(file) is not None


def addresses_of(host: str, port: int) -> list[str]:
    """Returns the IP addresses of a host, without duplicates. Raises OSError."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in infos))


def fetch(
    url: str,
    max_bytes: int,
    *,
    resolve: Resolve = addresses_of,
    context: ssl.SSLContext | None = None,
    folder: Path | None = None,
) -> Path:
    """Downloads the picture at `url` and returns its path in the cache. Raises WrongValueError.

    resolve: looks up a host's IP addresses. context: which certificates to trust. folder: the cache; default: the
    user's.
    """
    parts = _checked(url)
    host, port = str(parts.hostname), parts.port or PORT
    try:
        addresses = resolve(host, port)
    except (OSError, UnicodeError):
        raise WrongValueError(f"{quote(url)}: there is no host {quote(host)}", _LOCAL) from None
    if not addresses or not all(map(is_public, addresses)):
        raise WrongValueError(f"{quote(url)}: {quote(host)} is an address of a private network", _LOCAL)
    try:
        connection = _Pinned(host, port, addresses[0], context or ssl.create_default_context())
        try:
            content = b"".join(_read(connection, parts, url, max_bytes))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise WrongValueError(f"{quote(url)} can't be fetched: {reason}", "try again, or " + _LOCAL) from None
    return _cached(content, folder or cache_folder())


def cache_folder() -> Path:
    """Returns the folder of downloaded references, which are named by their digests."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "brandpress" / "references"


def is_public(address: str) -> bool:
    """Returns whether an IP address is public. IPv6 addresses that embed an IPv4 address are as public as that one."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if embedded is not None:
            ip = embedded
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPSConnection):
    """A connection to one IP address of a host that checks the host's certificate."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SOCKET_SECONDS, context=context)
        self._address, self._trust = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), SOCKET_SECONDS)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongValueError(f"{quote(url)} isn't an address", _LOCAL) from None
    if parts.scheme != "https" or not parts.hostname or port == 0:
        raise WrongValueError(f"{quote(url)} can't be fetched", f"allowed: https://host/path; {_LOCAL}")
    if parts.username is not None or parts.password is not None:
        raise WrongValueError("an address must not hold credentials", _LOCAL)
    if parts.query or parts.fragment:
        raise WrongValueError(
            f"{quote(url.partition('?')[0])} has a query or a fragment",
            f"remove '?' or '#' and everything after it; {_LOCAL}",
        )
    allowed = [name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if not any(fnmatchcase(parts.hostname, name) for name in allowed):
        host = quote(parts.hostname)
        what = f"{quote(url)} can't be fetched: this machine doesn't allow {host}"
        raise WrongValueError(what, f"{_LOCAL}, or add the host to {HOSTS}")
    return parts


def _read(connection: _Pinned, parts: SplitResult, url: str, max_bytes: int) -> Iterator[bytes]:
    end = time.monotonic() + MAX_SECONDS
    path = escape(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "brandpress"})
    response = connection.getresponse()
    if response.status in (301, 302, 303, 307, 308):
        raise WrongValueError(f"{quote(url)} has moved (HTTP {response.status})", "write the address that it moved to")
    if response.status != http.client.OK:
        raise WrongValueError(f"{quote(url)} can't be fetched: the server returned HTTP {response.status}", _LOCAL)
    size = 0
    while chunk := response.read(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise WrongValueError(
                f"{quote(url)} is larger than {max_bytes:,} bytes", f"allowed: at most {max_bytes:,} bytes"
            )
        if time.monotonic() > end:
            raise WrongValueError(f"{quote(url)} takes longer than {MAX_SECONDS:.0f} s", _LOCAL)
        yield chunk


def _cached(content: bytes, folder: Path) -> Path:
    """Writes the content to the cache unless it's there already, and returns its path."""
    path = folder / hashlib.sha256(content).hexdigest()
    try:
        if not path.is_file() or hashlib.sha256(path.read_bytes()).digest() != hashlib.sha256(content).digest():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(content)
            Path(file.name).replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WrongValueError(
            f"the reference can't be cached in {quote(folder)}: {reason}", "set XDG_CACHE_HOME"
        ) from None
    return path
