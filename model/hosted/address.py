"""Where BFL's API answers, what opens it, and which addresses may be asked: the key goes to BFL and nobody else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address

from httpx2 import URL, InvalidURL

from brandpress.model.errors import HostedError, RequestError
from brandpress.model.family import KEY_VARIABLE, REGIONS

DOMAIN = "bfl.ai"
BASES = {"global": "https://api.bfl.ai", "eu": "https://api.eu.bfl.ai", "us": "https://api.us.bfl.ai"}
URL_VARIABLE = "BFL_API_URL"


@dataclass(frozen=True, slots=True)
class Service:
    """One address of the API. overridden: by the environment, for a proxy or a test."""

    base: URL
    overridden: bool = False

    def status_address(self, address: str) -> URL:
        """A task's `polling_url`, for the key to be sent to. Raises HostedError where that isn't BFL."""
        url = parse(address, "polling_url")
        if url.origin == self.base.origin or (url.scheme == "https" and _is_bfl(url)):
            return url
        raise HostedError(
            f"polling_url: {shown(url)} isn't BFL's, so the key wasn't sent there; the task may be running and charged"
        )

    def picture_address(self, address: str) -> URL:
        """A picture's signed address, which may be on any host. Raises HostedError for what isn't encrypted."""
        url = parse(address, "result.sample")
        if url.scheme == "https" or (self.overridden and url.scheme == "http" and _is_loopback(url)):
            return url
        raise HostedError(f"result.sample: {shown(url)} isn't https, so the picture wasn't fetched")


def service_of(region: str | None) -> Service:
    """The API of a region ("global" when None), or what BFL_API_URL says in its place.

    Raises RequestError for another region; HostedError for a BFL_API_URL to which a key can't be entrusted.
    """
    if region is not None and region not in REGIONS:
        raise RequestError(f"region {region!r}: allowed are {', '.join(REGIONS)}")
    override = os.environ.get(URL_VARIABLE, "").strip()
    if not override:
        return Service(URL(BASES[region or "global"]))
    url = parse(override, URL_VARIABLE)
    if url.userinfo or url.query or url.fragment:
        raise HostedError(f"{URL_VARIABLE}: no user, query or fragment is allowed, only https://host/path")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url)):
        raise HostedError(f"{URL_VARIABLE}: {shown(url)} must be https; http is for this machine only")
    return Service(url, overridden=True)


def key_of_environment() -> str:
    """The account's key. Raises HostedError where there is none, or none that could be sent."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise HostedError(
            f"{KEY_VARIABLE} isn't set where this runs: export {KEY_VARIABLE}=… with a key from https://dashboard.bfl.ai"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise HostedError(f"{KEY_VARIABLE} holds a space, a line break or something else that no key has; set it anew")
    return key


def parse(address: str, field: str) -> URL:
    """Raises HostedError for what isn't an absolute address."""
    try:
        url = URL(address)
    except InvalidURL:
        raise HostedError(f"{field}: not an address") from None
    if not url.is_absolute_url:
        raise HostedError(f"{field}: not an address with scheme and host")
    return url


def shown(url: URL) -> str:
    """Scheme and host, as messages may show them: user and query can be secrets."""
    return f"{url.scheme}://{url.raw_host.decode('ascii')}"


def _is_bfl(url: URL) -> bool:
    host = url.raw_host.decode("ascii")
    return host == DOMAIN or host.endswith(f".{DOMAIN}")


def _is_loopback(url: URL) -> bool:
    try:
        return url.host == "localhost" or ip_address(url.host).is_loopback
    except ValueError:
        return False
