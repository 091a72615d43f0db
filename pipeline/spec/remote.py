"""Downloads reference pictures and feeds: over https only, from hosts that this machine's operator allows, never from
private addresses.

A brand spec can come from a stranger's pull request. Therefore a host's addresses are resolved once and checked, the
connection goes to a checked address, redirects aren't followed, and the size of a download is limited. Addresses with a
query are rejected, because a signature in it would end up in records.
"""

from __future__ import annotations

import atexit
import hashlib
import http.client
import os
import re
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from threading import Timer
from typing import IO
from urllib.parse import SplitResult, urlsplit
from urllib.parse import quote as escape

from brandpress.model.user_cache import user_cache
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
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's services for virtual machines
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96",  # IPv4 in IPv6: no resolver returns them for a public host
        "64:ff9b:1::/48",  # NAT64 with a prefix of one's own
        "100::/64", "fc00::/7", "fec0::/10", "fe80::/10", "ff00::/8", "5f00::/16", "3fff::/20",
    )
)  # fmt: skip
"""Networks that aren't public, some of which Python's tables count as global."""
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
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
    folder: Path | None = None,
    seconds: float = MAX_SECONDS,
) -> Path:
    """Downloads the file at `url` and returns its path in the cache. Raises WrongValueError.

    seconds: for the whole call after the host's addresses are known, however slowly the host sends its bytes.

    resolve: looks up a host's IP addresses; default: `addresses_of`. context: which certificates to trust; default: the
    system's. folder: the cache; default: the user's.
    """
    parts = _checked(url)
    host, port = str(parts.hostname), parts.port or PORT
    try:
        addresses = (resolve or addresses_of)(host, port)
    except (OSError, UnicodeError):
        raise WrongValueError(f"{quote(url)}: there is no host {quote(host)}", _LOCAL) from None
    if not addresses or not all(map(is_public, addresses)):
        raise WrongValueError(f"{quote(url)}: {quote(host)} is an address of a private network", _LOCAL)
    connection = PinnedConnection(host, port, addresses[0], context or ssl.create_default_context())
    deadline = Timer(seconds, connection.abort)
    deadline.daemon = True
    deadline.start()
    try:
        try:
            return _cached(_read(connection, parts, url, max_bytes), folder or cache_folder())
        finally:
            deadline.cancel()
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        if connection.aborted:
            raise WrongValueError(f"{quote(url)} takes longer than {seconds:g} s", _LOCAL) from None
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise WrongValueError(f"{quote(url)} can't be fetched: {reason}", "try again, or " + _LOCAL) from None


def cache_folder() -> Path:
    """Returns the folder of downloaded references, which are named by their digests."""
    return (user_cache() or _temporary_folder()) / "references"


@cache
def _temporary_folder() -> Path:
    """Returns a folder that ends with this process, for users without a home folder."""
    folder = tempfile.mkdtemp(prefix="brandpress-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def is_public(address: str) -> bool:
    """Returns whether an IP address is public. IPv6 addresses that embed IPv4 addresses are as public as these."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip in _NAT64:
        return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
    if any(ip in network for network in _NOT_PUBLIC if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and all(map(is_public, map(str, _embedded(ip))))


def _embedded(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """Yields the IPv4 addresses in an IPv6 address to which a translator or tunnel would pass the connection on."""
    if isinstance(ip, IPv4Address):
        return
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo


class PinnedConnection(http.client.HTTPSConnection):
    """A connection to one IP address of a host that checks the host's certificate."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SOCKET_SECONDS, context=context)
        self._address, self._trust = address, context
        self._open: socket.socket | None = None
        self.aborted = False

    def connect(self) -> None:
        self._open = plain = socket.create_connection((self._address, self.port), SOCKET_SECONDS)
        if self.aborted:
            raise TimeoutError
        self._open = self.sock = self._trust.wrap_socket(
            plain, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock.do_handshake()
        if self.aborted:
            raise TimeoutError

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


def _read(connection: PinnedConnection, parts: SplitResult, url: str, max_bytes: int) -> Iterator[bytes]:
    path = escape(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    connection.request("GET", path, headers={"Accept": "image/*, */*;q=0.8", "User-Agent": "brandpress"})
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
        if connection.aborted:
            raise TimeoutError
        yield chunk
    if connection.aborted:  # a shut-down socket looks like the end of a response without a length
        raise TimeoutError


def _cached(chunks: Iterator[bytes], folder: Path) -> Path:
    """Writes a download to the cache, chunk by chunk, and returns its path. An intact file in the cache is kept."""
    digest = hashlib.sha256()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - closed below
    except OSError as error:
        raise _cache_error(error, folder) from None
    temporary = Path(file.name)
    try:
        with file:
            for chunk in chunks:
                digest.update(chunk)
                _write(file, chunk, folder)
        path = folder / digest.hexdigest()
        try:
            if not path.is_file() or _digest(path) != digest.digest():
                temporary.replace(path)
        except OSError as error:
            raise _cache_error(error, folder) from None
        return path
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write(file: IO[bytes], chunk: bytes, folder: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise _cache_error(error, folder) from None


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _cache_error(error: OSError, folder: Path) -> WrongValueError:
    reason = error.strerror or type(error).__name__
    return WrongValueError(f"the reference can't be cached in {quote(folder)}: {reason}", "set XDG_CACHE_HOME")
