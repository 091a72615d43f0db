"""BFL's protocol over HTTP: submit a task, look at its status until it's ready, download its picture.

Source: docs.bfl.ai. What costs money is sent once: where an answer is lost, the task may be running.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2

from brandpress.model.errors import HostedError
from brandpress.model.hosted.address import Service
from brandpress.model.hosted.answer import (
    ERROR,
    FAILURES,
    MODERATED,
    NOT_FOUND,
    READY,
    UNDER_WAY,
    AccountError,
    Answer,
    tidy,
)
from brandpress.model.hosted.retry import RetryPolicy, poll_pauses

MAX_BYTES = 64 << 20
MAX_REDIRECTS = 3
SUBMIT_AGAIN = (429, 500, 503)
"""Documented as refused. A gateway's 502 or 504 says nothing of what became of the task."""
UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
MAY_BE_CHARGED = "the task may be running and charged, so it wasn't sent again"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task that BFL has accepted. cost: in credits (US cents), None where it isn't told."""

    id: str
    polling_url: str
    cost: float | None


class BflApi:
    """One account at one service. Lives on one event loop."""

    def __init__(self, service: Service, key: str, http: httpx2.AsyncClient, retry_policy: RetryPolicy) -> None:
        self._service, self._key, self._http, self._patience = service, key, http, retry_policy
        self._refused = ""

    def check_open(self) -> None:
        """Raises AccountError once the key or the credits were refused: so would all that follows be."""
        if self._refused:
            raise AccountError(self._refused)

    async def submit(self, endpoint: str, body: dict[str, Any]) -> Submitted:
        """Start a task. Raises HostedError; AccountError if it's the account's fault."""
        url = httpx2.URL(f"{str(self._service.base).rstrip('/')}/v1/{endpoint}")

        async def post() -> Answer:
            self.check_open()
            return await self._ask("POST", url, keyed=True, body=body)

        answer = await self._call(post, lambda answer: answer.status in SUBMIT_AGAIN, once=True)
        if answer.status >= 500:
            raise HostedError(f"BFL answered HTTP {answer.status}: {MAY_BE_CHARGED}")
        fields = self._checked(answer).fields
        name, address = fields.get("id"), fields.get("polling_url")
        if not isinstance(name, str) or not isinstance(address, str):
            raise HostedError(f"BFL's answer names no task: {MAY_BE_CHARGED}")
        return Submitted(answer.tidy(name), address, _cost(fields.get("cost")))

    async def wait(self, task: Submitted) -> str:
        """The address of the task's picture, once it's ready. Raises HostedError for a task that failed or hangs."""
        look = partial(self._ask, "GET", self._service.status_address(task.polling_url), keyed=True)
        pauses = poll_pauses()
        try:
            async with asyncio.timeout(self._patience.deadline):
                while True:
                    await self._patience.sleep(next(pauses))
                    address = self._address(await self._call(look, _unsettled))
                    if address is not None:
                        return address
        except TimeoutError:
            seconds = f"{self._patience.deadline:g} s"
            raise HostedError(f"not ready after {seconds}: the task may still be running and charged") from None

    async def download(self, address: str) -> bytes:
        """The bytes of a picture, at most 64 MiB; the key isn't sent. Raises HostedError."""
        try:
            async with asyncio.timeout(self._patience.deadline):
                for _ in range(1 + MAX_REDIRECTS):
                    url = self._service.picture_address(address)
                    answer = await self._call(partial(self._ask, "GET", url, keyed=False), _busy)
                    if answer.status == 200:
                        return answer.body
                    if not 300 <= answer.status < 400:
                        break
                    address = str(url.join(answer.headers.get("location", "")))
        except TimeoutError:
            raise HostedError(f"the picture didn't come in {self._patience.deadline:g} s") from None
        raise HostedError(f"the picture couldn't be fetched (HTTP {answer.status})")

    def _address(self, answer: Answer) -> str | None:
        """The picture's address, None while the task is under way. Raises HostedError if it failed."""
        fields = answer.fields
        status, result = str(fields.get("status")), fields.get("result")
        if status not in FAILURES:
            self._checked(answer)
        if status in UNDER_WAY:
            return None
        why = f": {answer.failure}" if answer.failure else ""
        if status in MODERATED:
            raise HostedError(f"moderated: the {MODERATED[status]} was refused by BFL's filter{why}")
        if status == NOT_FOUND:
            raise HostedError("task not found: BFL doesn't know it (any more)")
        if status == ERROR:
            raise HostedError(f"the task failed at BFL{why}")
        if status != READY:
            known = ", ".join((*UNDER_WAY, READY, *FAILURES))
            raise HostedError(f"the task's status is {answer.tidy(status)!r}; known are {known}")
        sample = result.get("sample") if isinstance(result, dict) else None
        if not isinstance(sample, str):
            raise HostedError("the task is ready, but result.sample names no picture")
        return sample

    def _checked(self, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        error = answer.refusal()
        if isinstance(error, AccountError):
            self._refused = str(error)
        raise error

    async def _call(
        self, ask: Callable[[], Awaitable[Answer]], again: Callable[[Answer], bool], *, once: bool = False
    ) -> Answer:
        """The first answer that isn't to be asked for `again`. once: not where it may have been received."""
        last, asked = "", 0.0
        for attempt in range(self._patience.attempts):
            if attempt:
                await self._patience.pause(attempt, asked)
            asked = 0.0
            try:
                answer = await ask()
            except httpx2.RequestError as error:
                last = tidy(f"{type(error).__name__}: {error}", self._key).rstrip(": ")
                if once and not isinstance(error, UNSENT):
                    raise HostedError(f"BFL's answer was lost ({last}): {MAY_BE_CHARGED}") from None
            else:
                if not again(answer):
                    return answer
                last, asked = f"HTTP {answer.status}: {answer.detail}", answer.retry_after
        raise HostedError(f"BFL couldn't serve this in {self._patience.attempts} attempts; the last: {last}")

    async def _ask(self, method: str, url: httpx2.URL, *, keyed: bool, body: dict[str, Any] | None = None) -> Answer:
        headers = {"x-key": self._key} if keyed else {}
        data = bytearray()
        async with self._http.stream(method, url, headers=headers, json=body) as response:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > MAX_BYTES:
                    raise HostedError(f"BFL sent more than {MAX_BYTES >> 20} MiB")
        return Answer(response.status_code, response.headers, bytes(data), self._key)


def new_client(retry_policy: RetryPolicy) -> httpx2.AsyncClient:
    """A client that knows no key. identity: what is counted while it comes is what is kept."""
    headers = {"user-agent": "brandpress", "accept-encoding": "identity"}
    return httpx2.AsyncClient(headers=headers, timeout=retry_policy.io, follow_redirects=False)


def _cost(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _busy(answer: Answer) -> bool:
    return answer.status == 429 or answer.status >= 500


def _unsettled(answer: Answer) -> bool:
    """A failed task's status may come with a 5xx: it won't get better."""
    return _busy(answer) and answer.fields.get("status") not in FAILURES


def _hide_queries(record: logging.LogRecord) -> bool:
    """The client logs every address, and a picture's is signed by its query."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


logging.getLogger("httpx2").addFilter(_hide_queries)
