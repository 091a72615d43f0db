"""RAY_ADDRESS: which cluster a run connects to, in the forms that work."""

from __future__ import annotations

import os
import re

from brandpress.model.errors import RequestError

VARIABLE = "RAY_ADDRESS"
LOCAL, AUTO = "local", "auto"
ALLOWED = f"HOST:PORT of the cluster's head (the port is usually 6379), {AUTO}, {LOCAL}, or nothing"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\s]*)", re.IGNORECASE)
_HOST = re.compile(r"\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+")
MAX_PORT = 65_535


def cluster_address() -> str | None:
    """Returns the address in RAY_ADDRESS; None if a private Ray should be started.

    Raises RequestError with what to write instead if Ray can't be used at that address.
    """
    address = os.environ.get(VARIABLE, "").strip()
    if address.lower() in ("", LOCAL):
        return None
    if address.lower() == AUTO:
        return AUTO
    scheme = _SCHEME.match(address)
    if scheme is not None:
        raise RequestError(f"{VARIABLE}: {_instead_of(scheme[1].lower(), scheme[2].rpartition('@')[2])}")
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not _is_port(port):
        raise RequestError(f"{VARIABLE}: {address!r} is no address of a cluster; allowed: {ALLOWED}")
    return address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PORT)) and 1 <= int(text) <= MAX_PORT


def _instead_of(scheme: str, netloc: str) -> str:
    """Why an address with a scheme can't be used, and what to do."""
    host = netloc.rpartition(":")[0] or netloc or "HEAD"
    gcs = f"{VARIABLE}={host}:6379"
    match scheme:
        case "ray":
            return (
                f"ray://{netloc} is Ray Client, which can't stream a worker's results; run on a machine of the cluster "
                f"and write {gcs}, the address that `ray start` prints"
            )
        case "http" | "https":
            return (
                f"{scheme}://{netloc} is the address of Ray's dashboard and of its job server; run on a machine of the "
                f"cluster and write {gcs}, or send the job there: "
                f"brandpress submit JOB --address {scheme}://{netloc}"
            )
        case _:
            return f"{scheme}:// isn't supported; allowed: {ALLOWED}"
