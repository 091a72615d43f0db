"""Errors of a cluster's job server: what Ray's client says, in our words where a user can do something about it."""

from __future__ import annotations

import os
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.model.redaction import redacted

MAX_TEXT = 300
"""How much is shown of what Ray and the cluster say."""

_UNREACHABLE = ("Failed to connect to Ray", "HTTPConnectionPool(", "HTTPSConnectionPool(", "Cannot connect to host")
"""How texts of Ray, requests and aiohttp begin if nothing answers at an address."""

_NO_TOKEN = ("RAY_AUTH_TOKEN_PATH is set but", "Token authentication is enabled but Ray couldn't find")
"""How Ray's texts begin if it has no token to send."""


class JobServerError(BrandpressError):
    """The cluster's job server can't be reached, refuses the request, or fails."""


def error_message(address: str, text: str) -> str:
    """Returns the message for an error of Ray's client with this text. address: of the job server."""
    address = redacted(address)
    if text.startswith(_UNREACHABLE):
        return (
            f"the job server at {address} can't be reached; check that the cluster's dashboard is running, that the "
            "tunnel to it is open if it needs one, and the address (--address or RAY_API_SERVER_ADDRESS)"
        )
    if text.startswith(_NO_TOKEN):
        return _token_message(os.environ.get("RAY_AUTH_TOKEN_PATH", ""))
    return f"the job server at {address}: {_reason(text)}"


def _token_message(path: str) -> str:
    """path: RAY_AUTH_TOKEN_PATH, which Ray reads unless RAY_AUTH_TOKEN is set."""
    problem = (
        f"RAY_AUTH_TOKEN_PATH: {one_line(path)} can't be read or is empty"
        if path
        else "RAY_AUTH_MODE=token: there is no token"
    )
    return (
        f"{problem}; set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to a file with the cluster's token; Ray's default is "
        "~/.ray/auth_token, which `ray get-auth-token --generate` writes for a new cluster"
    )


def _reason(text: str) -> str:
    if "ray[default]" in text:
        return "Ray's job client isn't installed; run pip install 'brandpress[cluster]'"
    if "Authentication required" in text or "Authentication failed" in text:
        return _authentication_reason(_token_source())
    return _shortened(text)


def _authentication_reason(source: str | None) -> str:
    """source: of the token, None if there is none."""
    if os.environ.get("RAY_AUTH_MODE", "").lower() == "token":
        return f"it refuses the token from {source or 'this machine'}; is it the cluster's?"
    if source is None:
        return (
            "it needs a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to a file with the "
            "cluster's token"
        )
    return (
        f"it needs a token, and none is sent, because RAY_AUTH_MODE=token is missing; set it to send that of {source}"
    )


def _token_source() -> str | None:
    """Returns where Ray takes the token from, in its order."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return "RAY_AUTH_TOKEN"
    if path := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return f"{one_line(path)} (RAY_AUTH_TOKEN_PATH)"
    return "~/.ray/auth_token" if Path("~/.ray/auth_token").expanduser().exists() else None


def _shortened(text: str) -> str:
    """Returns a text of at most MAX_TEXT characters, cut after a sentence if one ends there."""
    if len(text) <= MAX_TEXT:
        return text
    sentences = text[: MAX_TEXT - 1].rpartition(". ")[0]
    return f"{sentences}. …" if sentences else text[: MAX_TEXT - 1] + "…"


def one_line(text: str) -> str:
    """Returns what a server says in one line, without credentials and characters that control a terminal."""
    return "".join(c for c in " ".join(redacted(text).split()) if c.isprintable())
