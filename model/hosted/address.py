"""The URL of BFL's API, and checks of the URLs it returns: the key is only ever sent to BFL."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.request import getproxies

from httpx2 import URL, InvalidURL

from brandpress.model.errors import HostedError, RequestError
from brandpress.model.family import REGIONS

DOMAIN = "bfl.ai"
BASES = {"global": "https://api.bfl.ai", "eu": "https://api.eu.bfl.ai", "us": "https://api.us.bfl.ai"}
URL_VARIABLE = "BFL_API_URL"


@dataclass(frozen=True, slots=True)
class Service:
    """The base URL of the API. overridden: set by BFL_API_URL, for a proxy or a test."""

    base: URL
    overridden: bool = False

    def status_address(self, address: str) -> URL:
        """Returns a task's `polling_url`. Raises HostedError if it isn't BFL's, because the key is sent to it."""
        url = parse(address, "polling_url")
        if url.origin == self.base.origin or (url.scheme == "https" and _is_bfl(url)):
            return url
        raise HostedError(
            f"polling_url: {shown(url)} isn't a BFL host, so the key wasn't sent; the task may be running and charged"
        )

    async def check_public(self, url: URL) -> None:
        """Raises HostedError if a picture's host is in a private network, where BFL's answer mustn't lead.

        The operator's own service may be there, too. Hosts that a proxy looks up, or that nobody knows, aren't checked.
        """
        own = self.overridden and (url.origin == self.base.origin or (url.scheme == "http" and _is_loopback(url)))
        if own or _has_proxy():
            return
        try:
            addresses = await asyncio.get_running_loop().getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return  # connecting reports it
        if not all(_is_public(str(address[0])) for *_, address in addresses):
            raise HostedError(f"result.sample: {shown(url)} is in a private network, so the picture wasn't downloaded")

    def picture_address(self, address: str) -> URL:
        """Returns a picture's signed URL, which can be on any host. Raises HostedError if it isn't https."""
        url = parse(address, "result.sample")
        if url.scheme == "https" or (self.overridden and url.scheme == "http" and _is_loopback(url)):
            return url
        raise HostedError(f"result.sample: {shown(url)} isn't https, so the picture wasn't downloaded")


def service_of(region: str | None) -> Service:
    """The API of a region ("global" if None), or the one in BFL_API_URL if that is set.

    Raises RequestError for an unknown region, HostedError for a BFL_API_URL that it isn't safe to send the key to.
    """
    if region is not None and region not in REGIONS:
        raise RequestError(f"region {region!r}: allowed: {', '.join(REGIONS)}")
    override = os.environ.get(URL_VARIABLE, "").strip()
    if not override:
        return Service(URL(BASES[region or "global"]))
    url = parse(override, URL_VARIABLE)
    if url.userinfo or url.query or url.fragment:
        raise HostedError(f"{URL_VARIABLE}: expected https://host/path without user, query or fragment")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url)):
        raise HostedError(f"{URL_VARIABLE}: {shown(url)} must be https; http is only allowed for this machine")
    return Service(url, overridden=True)


def parse(address: str, field: str) -> URL:
    """Returns an absolute URL. field: names it in errors. Raises HostedError if it isn't one."""
    try:
        url = URL(address)
    except InvalidURL:
        raise HostedError(f"{field}: not a URL") from None
    if not url.is_absolute_url:
        raise HostedError(f"{field}: not a URL with scheme and host")
    return url


def shown(url: URL) -> str:
    """Scheme and host, for messages. User and query can be secrets."""
    return f"{url.scheme}://{url.raw_host.decode('ascii')}"


def _is_bfl(url: URL) -> bool:
    host = url.raw_host.decode("ascii")
    return host == DOMAIN or host.endswith(f".{DOMAIN}")


def _is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    embedded = (ip.ipv4_mapped, ip.sixtofour) if isinstance(ip, IPv6Address) else ()
    return ip.is_global and not ip.is_multicast and all(inner is None or inner.is_global for inner in embedded)


def _has_proxy() -> bool:
    return bool({"https", "all"} & getproxies().keys())


def _is_loopback(url: URL) -> bool:
    try:
        return url.host == "localhost" or ip_address(url.host).is_loopback
    except ValueError:
        return False
