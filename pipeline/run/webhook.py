"""Posts a message to a webhook: signed, repeated for a limited time, and only to hosts that this machine allows.

The signature is that of Standard Webhooks (https://www.standardwebhooks.com): the headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, of which the last is `v1,` and the HMAC-SHA256 of `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import os
import random
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from threading import Event, Timer
from urllib.parse import urlsplit

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.on_finish import Webhook
from brandpress.pipeline.spec.public_address import is_public
from brandpress.pipeline.spec.remote import PinnedConnection, Resolve, addresses_of
from brandpress.pipeline.version import VERSION

HOSTS = "BRANDPRESS_WEBHOOK_HOSTS"
"""Environment variable: allowed hosts, separated by commas. `*.example.com` allows all subdomains with public
addresses; a host that is named in full may have a private address."""

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
HOW_TO_SET = (
    "set it to whsec_ and 24 to 64 bytes in base64, such as the output of: echo whsec_$(openssl rand -base64 32)"
)

TOTAL_SECONDS = 120.0
ATTEMPT_SECONDS = 15.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
REPEATED = (408, 425, 429, *range(500, 600))
"""Status codes that another attempt may change."""


class WebhookError(BrandpressError):
    """A webhook can't be sent from this machine, or its server didn't accept it."""


def require_sendable(webhook: Webhook) -> None:
    """Raises WebhookError if this machine doesn't allow the host or lacks the secret. Connects to nothing."""
    _host_rule(webhook)
    _secret(webhook)


def send(
    webhook: Webhook,
    message_id: str,
    body: bytes,
    *,
    seconds: float = TOTAL_SECONDS,
    resolve: Resolve | None = None,
    context: ssl.SSLContext | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Posts `body`, which is JSON, and returns how many attempts it took. Raises WebhookError.

    message_id: the same for all attempts, so that the server can tell a repetition. seconds: for all attempts. resolve:
    looks up a host's addresses. context: which certificates to trust; default: the system's.
    """
    secret, end, attempt, pause = _secret(webhook), time.monotonic() + seconds, 0, FIRST_PAUSE
    while True:
        attempt += 1
        limit = min(ATTEMPT_SECONDS, end - time.monotonic())
        refusal = _attempt(webhook, message_id, body, secret, limit, resolve, context)
        if refusal is None:
            return attempt
        wait = max(pause * random.uniform(0.5, 1.0), refusal.wait)  # noqa: S311 - no secret
        if refusal.final or time.monotonic() + wait >= end:
            tried = "one attempt" if attempt == 1 else f"{attempt} attempts"
            raise WebhookError(f"{quote(webhook.url)} didn't accept the message in {tried}: {refusal.problem}")
        sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)


def signed_headers(secret: bytes | None, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Returns the headers of Standard Webhooks; without the signature if there is no secret."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if secret is not None:
        digest = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
    return headers


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An attempt that failed. final: another one is no use. wait: the seconds that the server asks to wait."""

    problem: str
    final: bool = False
    wait: float = 0.0


def _attempt(
    webhook: Webhook,
    message_id: str,
    body: bytes,
    secret: bytes | None,
    seconds: float,
    resolve: Resolve | None,
    context: ssl.SSLContext | None,
) -> _Refusal | None:
    """Returns what went wrong; None if the server has accepted the message."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"brandpress/{VERSION}",
        **signed_headers(secret, message_id, int(time.time()), body),
    }
    try:
        connection = _connection(webhook, resolve, context)
    except OSError:
        return _Refusal("there is no such host")
    aborted = Event()
    deadline = Timer(max(seconds, 0.1), _abort, (connection, aborted))
    deadline.daemon = True
    deadline.start()
    try:
        connection.request("POST", urlsplit(webhook.url).path or "/", body, headers)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return _Refusal("it doesn't answer in time" if aborted.is_set() else reason)
    finally:
        deadline.cancel()
        connection.close()
    if 200 <= response.status < 300:
        return None
    final = response.status not in REPEATED
    return _Refusal(f"HTTP {response.status}", final, _retry_after(response.headers.get("Retry-After", "")))


def _connection(
    webhook: Webhook, resolve: Resolve | None, context: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    """Returns a connection to an address of the host that was checked. Raises WebhookError and OSError."""
    may_be_private, url = _host_rule(webhook), urlsplit(webhook.url)
    host = str(url.hostname)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        addresses = (resolve or addresses_of)(host, port)
    except UnicodeError:
        addresses = []
    if not addresses:
        raise OSError
    if not may_be_private and not all(map(is_public, addresses)):
        raise WebhookError(
            f"on_finish: {quote(host)} is an address of a private network; if it's yours, name it in full in {HOSTS}"
        )
    if url.scheme == "http":
        return http.client.HTTPConnection(addresses[0], port, timeout=ATTEMPT_SECONDS)
    return PinnedConnection(host, port, addresses[0], context or ssl.create_default_context())


def _abort(connection: http.client.HTTPConnection, aborted: Event) -> None:
    """Ends a connection from another thread, whatever it waits for. aborted: set before."""
    aborted.set()
    if isinstance(connection, PinnedConnection):
        connection.abort()
    elif connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)  # closing it wouldn't wake a thread that reads


def _host_rule(webhook: Webhook) -> bool:
    """Returns whether the host may have a private address. Raises WebhookError if this machine doesn't allow it."""
    host = str(urlsplit(webhook.url).hostname).lower()
    names = [name.strip().lower() for name in os.environ.get(HOSTS, "").split(",") if name.strip()]
    if host in names:
        return True
    if any(fnmatchcase(host, name) for name in names):
        return False
    raise WebhookError(f"on_finish: this machine posts nothing to {quote(host)}; add the host to {HOSTS} if it should")


def _secret(webhook: Webhook) -> bytes | None:
    if webhook.secret_env is None:
        return None
    text = os.environ.get(webhook.secret_env, "")
    if not text:
        raise WebhookError(
            f"on_finish.secret_env: {webhook.secret_env} isn't set on this machine, so no message is sent; {HOW_TO_SET}"
        )
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not text.startswith(PREFIX) or len(secret) not in SECRET_BYTES:
        raise WebhookError(f"on_finish.secret_env: {webhook.secret_env} holds no secret for webhooks; {HOW_TO_SET}")
    return secret


def _retry_after(text: str) -> float:
    """Returns the seconds that the header `Retry-After` asks to wait; 0 if it doesn't say."""
    text = text.strip()
    if text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
