"""Reference pictures on the net: only over https, from hosts that the operator of this machine allows, never from
private addresses.

A brand spec may come from a stranger's pull request. So the addresses of a host are looked up once and checked, and the
connection is made to one that was checked; no redirect is followed; what comes is cut off at the size that any
reference may have. An address with a query is refused, since a signature in it would end up in records.
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
"""A variable: hosts with commas between them; `*.example.com` means all below example.com."""

MAX_SECONDS = 60.0
SOCKET_SECONDS = 15.0
CHUNK = 1 << 16
PORT = 443

_LOCAL = "download it into the brand spec's folder"
_NAT64 = IPv6Network("64:ff9b::/96")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")

Look = Callable[[str, int], Sequence[str]]


def is_address(file: str) -> bool:
    """Whether a reference is on the net and not in a folder."""
    return _ADDRESS.match(file) is not None


def addresses_of(host: str, port: int) -> list[str]:
    """Where a host is, each address once. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def fetch(
    url: str, most: int, *, look: Look = addresses_of, context: ssl.SSLContext | None = None, folder: Path | None = None
) -> Path:
    """A copy of the picture at `url`, at most `most` bytes, in the cache. Raises WrongValueError, saying what is wrong.

    look: how hosts are looked up. context: whom to trust. folder: the cache, else the user's.
    """
    parts = _checked(url)
    host, port = str(parts.hostname), parts.port or PORT
    try:
        addresses = look(host, port)
    except (OSError, UnicodeError):
        raise WrongValueError(f"{quote(url)}: there is no host {quote(host)}", _LOCAL) from None
    if not addresses or not all(map(is_public, addresses)):
        raise WrongValueError(f"{quote(url)}: {quote(host)} is an address of a private network", _LOCAL)
    try:
        connection = _Pinned(host, port, addresses[0], context or ssl.create_default_context())
        try:
            content = b"".join(_read(connection, parts, url, most))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise WrongValueError(f"{quote(url)} can't be fetched: {reason}", "try again, or " + _LOCAL) from None
    return _kept(content, folder or cache_folder())


def cache_folder() -> Path:
    """Where fetched references are kept, by their digests."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "brandpress" / "references"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open net; of one that stands for an IPv4 address, whether that is."""
    ip: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if inner is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address of a host, whose certificate is the host's."""

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
        raise WrongValueError(f"{quote(url.partition('?')[0])} goes on with '?' or '#'", f"leave that out; {_LOCAL}")
    allowed = [name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if not any(fnmatchcase(parts.hostname, name) for name in allowed):
        host = quote(parts.hostname)
        what = f"{quote(url)} is an address on the net, and this machine's operator doesn't allow {host}"
        raise WrongValueError(what, f"{_LOCAL}; hosts are allowed in {HOSTS}")
    return parts


def _read(connection: _Pinned, parts: SplitResult, url: str, most: int) -> Iterator[bytes]:
    end = time.monotonic() + MAX_SECONDS
    path = escape(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    connection.request("GET", path, headers={"Accept": "image/*", "User-Agent": "brandpress"})
    answer = connection.getresponse()
    if answer.status in (301, 302, 303, 307, 308):
        raise WrongValueError(f"{quote(url)} has moved (HTTP {answer.status})", "write the address that it moved to")
    if answer.status != http.client.OK:
        raise WrongValueError(f"{quote(url)} can't be fetched: the server answers HTTP {answer.status}", _LOCAL)
    size = 0
    while chunk := answer.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise WrongValueError(f"{quote(url)} is larger than {most:,} bytes", f"allowed: at most {most:,} bytes")
        if time.monotonic() > end:
            raise WrongValueError(f"{quote(url)} takes longer than {MAX_SECONDS:.0f} s", _LOCAL)
        yield chunk


def _kept(content: bytes, folder: Path) -> Path:
    kept = folder / hashlib.sha256(content).hexdigest()
    try:
        if not kept.is_file() or hashlib.sha256(kept.read_bytes()).digest() != hashlib.sha256(content).digest():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(content)
            Path(file.name).replace(kept)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise WrongValueError(
            f"the reference can't be kept in {quote(folder)}: {reason}", "set XDG_CACHE_HOME"
        ) from None
    return kept
