"""What BFL answered, and what it means: the text of its errors, made fit for a message.

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

from brandpress.model.errors import HostedError
from brandpress.model.family import KEY_VARIABLE

READY = "Ready"
UNDER_WAY = ("Pending", "Reasoning", "Generating")
MODERATED = {"Request Moderated": "request", "Content Moderated": "picture"}
NOT_FOUND, ERROR = "Task not found", "Error"
FAILURES = (*MODERATED, NOT_FOUND, ERROR)
LONGEST = 300


class AccountError(HostedError):
    """The key or the credits: it will hit every later request too."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read to its end. secret: what must not get into a message, should the service repeat it."""

    status: int
    headers: Headers
    body: bytes
    secret: str

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object of the body, empty where there is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def retry_after(self) -> float:
        """Seconds that the service asks to wait, by its header or the field of its JSON; 0 where it doesn't."""
        for asked in (self.headers.get("retry-after"), self.fields.get("retry_after")):
            if asked is not None and not isinstance(asked, bool):
                return _seconds(str(asked))
        return 0.0

    @property
    def detail(self) -> str:
        """What it says of an error, in one line of at most 300 characters."""
        fields = self.fields
        found = [fields.get(name) for name in ("detail", "message", "error")]
        text = next((_text(value) for value in found if value), "")
        return self.tidy(text or self.body[: 4 * LONGEST].decode(errors="replace"))

    @property
    def failure(self) -> str:
        """Why a task failed, in one line, from where its status has that."""
        fields = self.fields
        result, details = fields.get("result"), fields.get("details")
        found = [part.get("error") for part in (details, result) if isinstance(part, dict)]
        return self.tidy(next((_text(value) for value in (*found, details, fields.get("error")) if value), ""))

    def tidy(self, text: str) -> str:
        """As the function, with this answer's secret."""
        return tidy(text, self.secret)

    def refusal(self) -> HostedError:
        """The error of an answer that isn't a success."""
        why = f"(HTTP {self.status}): {self.detail}".rstrip(": ")
        if self.status in (401, 403) or self._blames_key():
            return AccountError(f"{KEY_VARIABLE} was refused {why}")
        if self.status == 402:
            return AccountError(f"no credits left: {self.detail or 'HTTP 402'}")
        if self.status in (400, 422):
            return HostedError(f"BFL refused the request {why}")
        if 300 <= self.status < 400:
            return HostedError(f"BFL answered with a redirect (HTTP {self.status}): the key isn't sent elsewhere")
        return HostedError(f"BFL couldn't serve the request {why}")

    def _blames_key(self) -> bool:
        """A key of the wrong form is answered with 422 and a sentence; a bad field with 422 and a list."""
        detail = self.fields.get("detail")
        return self.status == 422 and isinstance(detail, str) and "api key" in detail.lower()


def tidy(text: str, secret: str) -> str:
    """Foreign text in one line of at most 300 characters, without control characters and the secret."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = line.replace(secret, f"[{KEY_VARIABLE}]")
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _text(value: Any) -> str:
    """A sentence, or the list of `loc` and `msg` of a validation error, or any other JSON."""
    if isinstance(value, list) and all(isinstance(part, dict) and "msg" in part for part in value):
        return "; ".join(f"{_place(part.get('loc'))}: {part['msg']}" for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _place(loc: Any) -> str:
    return ".".join(map(str, loc)) if isinstance(loc, list) else str(loc)


def _seconds(asked: str) -> float:
    try:
        seconds = float(asked)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
