"""Interprets BFL's HTTP responses, and turns their error texts into messages.

Sources: docs.bfl.ai (errors, get_result) and black-forest-labs/skills (bfl-api).
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from httpx2 import Headers

from brandpress.model.errors import AccountError, HostedError
from brandpress.model.family import KEY_VARIABLE
from brandpress.model.redaction import redacted

READY = "Ready"
UNDER_WAY = ("Pending", "Reasoning", "Generating")
MODERATED = {"Request Moderated": "request", "Content Moderated": "picture"}
NOT_FOUND, ERROR = "Task not found", "Error"
FAILURES = (*MODERATED, NOT_FOUND, ERROR)
MAX_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response that was read completely. secret: the key, which `tidy` removes from its texts."""

    status: int
    headers: Headers
    body: bytes
    secret: str

    @property
    def fields(self) -> dict[str, Any]:
        """The body's JSON object; empty if it has none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def retry_after(self) -> float:
        """Seconds to wait before a retry, by the response's header or JSON; 0 if it names none."""
        for value in (self.headers.get("retry-after"), self.fields.get("retry_after")):
            if value is not None and not isinstance(value, bool):
                return _seconds(str(value))
        return 0.0

    @property
    def detail(self) -> str:
        """The response's error text, in one line of at most 300 characters."""
        fields = self.fields
        values = [fields.get(name) for name in ("detail", "message", "error")]
        text = next((_text(value) for value in values if value), "")
        return self.tidy(text or self.body[: 4 * MAX_LENGTH].decode(errors="replace"))

    @property
    def failure(self) -> str:
        """Why a task failed, in one line, from its status; "" if it gives no reason."""
        fields = self.fields
        result, details = fields.get("result"), fields.get("details")
        errors = [part.get("error") for part in (details, result) if isinstance(part, dict)]
        return self.tidy(next((_text(value) for value in (*errors, details, fields.get("error")) if value), ""))

    def tidy(self, text: str) -> str:
        """Calls the function `tidy` with this response's secret."""
        return tidy(text, self.secret)

    def to_error(self) -> HostedError:
        """Returns the error for a response that isn't a success."""
        why = f"(HTTP {self.status}): {self.detail}".rstrip(": ")
        if self.status in (401, 403) or self._blames_key():
            return AccountError(f"{KEY_VARIABLE} was rejected {why}")
        if self.status == 402:
            return AccountError(f"no credits left: {self.detail or 'HTTP 402'}")
        if self.status in (400, 422):
            return HostedError(f"BFL rejected the request {why}")
        if 300 <= self.status < 400:
            return HostedError(
                f"BFL responded with a redirect (HTTP {self.status}), which isn't followed because of the key"
            )
        return HostedError(f"BFL couldn't serve the request {why}")

    def _blames_key(self) -> bool:
        """Whether a 422 is about the key: a malformed key gives a string as detail, an invalid field a list."""
        detail = self.fields.get("detail")
        return self.status == 422 and isinstance(detail, str) and "api key" in detail.lower()


def tidy(text: str, secret: str) -> str:
    """External text as one line of at most 300 characters, without control characters and the secret."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = redacted(line.replace(secret, f"[{KEY_VARIABLE}]"))
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _text(value: Any) -> str:
    """The text of an error field: a string, a validation error's list of `loc` and `msg`, or any other JSON."""
    if isinstance(value, list) and all(isinstance(part, dict) and "msg" in part for part in value):
        return "; ".join(f"{_place(part.get('loc'))}: {part['msg']}" for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _place(loc: Any) -> str:
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def _seconds(text: str) -> float:
    """Parses a number of seconds or an HTTP date; 0 for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
