"""The URL of BFL's API, and checks of the URLs it returns: the key is only ever sent to BFL."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address

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


def _is_loopback(url: URL) -> bool:
    try:
        return url.host == "localhost" or ip_address(url.host).is_loopback
    except ValueError:
        return False
