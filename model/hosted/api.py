"""BFL's HTTP API: submit a task, poll its status until it is ready, download its picture.

Source: docs.bfl.ai. Submitting costs money, so it isn't retried after a lost response: the task may be running.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import httpx2

from brandpress.model.errors import AccountError, HostedError
from brandpress.model.hosted.address import Service
from brandpress.model.hosted.answer import (
    ERROR,
    FAILURES,
    MODERATED,
    NOT_FOUND,
    READY,
    UNDER_WAY,
    Answer,
    tidy,
)
from brandpress.model.hosted.retry import CallPolicy, poll_pauses

MAX_BYTES = 64 << 20
MAX_ANSWER_BYTES = 4 << 20
"""Of a picture, and of an answer in JSON, which takes many times its size when it's parsed."""

MAX_REDIRECTS = 3
RETRIED_STATUSES = (429, 500, 503)
"""Statuses after which a submit is retried: documented as rejections. After a gateway's 502 or 504 the task may run."""
UNSENT_ERRORS = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
MAY_BE_CHARGED = "the task may be running and charged, so it wasn't submitted again"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task that BFL has accepted. cost: in credits (US cents); None if BFL doesn't say."""

    id: str
    polling_url: str
    cost: float | None


class BflApi:
    """A client for one account. Must be used on one event loop."""

    def __init__(self, service: Service, key: str, http: httpx2.AsyncClient, policy: CallPolicy) -> None:
        self._service, self._key, self._http, self._policy = service, key, http, policy
        self._account_error = ""

    def check_open(self) -> None:
        """Raises AccountError if an earlier call was rejected for the key or the credits; later ones would be too."""
        if self._account_error:
            raise AccountError(self._account_error)

    async def submit(self, endpoint: str, body: dict[str, Any]) -> Submitted:
        """Submits a task. Raises HostedError; AccountError if the key or the credits are the cause."""
        url = httpx2.URL(f"{str(self._service.base).rstrip('/')}/v1/{endpoint}")

        async def post() -> Answer:
            self.check_open()
            return await self._send("POST", url, keyed=True, body=body)

        answer = await self._call(post, lambda answer: answer.status in RETRIED_STATUSES)
        if answer.status >= 500:
            raise HostedError(f"BFL responded with HTTP {answer.status}: {MAY_BE_CHARGED}")
        fields = self._checked(answer).fields
        task_id, polling_url = fields.get("id"), fields.get("polling_url")
        if not isinstance(task_id, str) or not isinstance(polling_url, str):
            raise HostedError(f"BFL's response has no id or polling_url: {MAY_BE_CHARGED}")
        return Submitted(answer.tidy(task_id), polling_url, _cost(fields.get("cost")))

    async def wait(self, task: Submitted) -> str:
        """Waits until a task is ready and returns its picture's URL. Raises HostedError if it fails or times out."""
        poll = partial(self._send, "GET", self._service.status_address(task.polling_url), keyed=True)
        errors: list[str] = []
        pauses = poll_pauses()
        try:
            async with asyncio.timeout(self._policy.task_timeout):
                while True:
                    await self._policy.sleep(next(pauses))
                    address = self._address(await self._call(poll, _is_unavailable_poll, errors))
                    if address is not None:
                        return address
        except TimeoutError:
            seconds = f"{self._policy.task_timeout:g} s{_last_of(errors)}"
            raise HostedError(f"not ready after {seconds}; the task may still be running and charged") from None

    async def download(self, address: str) -> bytes:
        """Downloads a picture of at most 64 MiB, without sending the key. Raises HostedError."""
        errors: list[str] = []
        try:
            async with asyncio.timeout(self._policy.task_timeout):
                for _ in range(1 + MAX_REDIRECTS):
                    url = self._service.picture_address(address)
                    await self._service.check_public(url)
                    answer = await self._call(partial(self._send, "GET", url, keyed=False), _is_unavailable, errors)
                    if answer.status == 200:
                        return answer.body
                    if not 300 <= answer.status < 400:
                        break
                    address = str(url.join(answer.headers.get("location", "")))
        except TimeoutError:
            seconds = f"{self._policy.task_timeout:g} s{_last_of(errors)}"
            raise HostedError(f"the picture wasn't downloaded in {seconds}; it may be charged") from None
        raise HostedError(f"the picture couldn't be downloaded (HTTP {answer.status})")

    def _address(self, answer: Answer) -> str | None:
        """The picture's URL; None while the task is running. Raises HostedError if it failed."""
        fields = answer.fields
        status, result = str(fields.get("status")), fields.get("result")
        if status not in FAILURES:
            self._checked(answer)
        if status in UNDER_WAY:
            return None
        why = f": {answer.failure}" if answer.failure else ""
        if status in MODERATED:
            raise HostedError(f"moderated: the {MODERATED[status]} was rejected by BFL's filter{why}")
        if status == NOT_FOUND:
            raise HostedError("task not found: BFL doesn't know it, or no longer")
        if status == ERROR:
            raise HostedError(f"the task failed at BFL{why}")
        if status != READY:
            expected = ", ".join((*UNDER_WAY, READY, *FAILURES))
            raise HostedError(f"the task's status is {answer.tidy(status)!r}; expected one of {expected}")
        sample = result.get("sample") if isinstance(result, dict) else None
        if not isinstance(sample, str):
            raise HostedError("the task is ready, but result.sample is missing")
        return sample

    def _checked(self, answer: Answer) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        error = answer.to_error()
        if isinstance(error, AccountError):
            self._account_error = str(error)
        raise error

    async def _call(
        self,
        send: Callable[[], Awaitable[Answer]],
        is_retried: Callable[[Answer], bool],
        errors: list[str] | None = None,
    ) -> Answer:
        """Sends a request, with retries.

        errors: for a call that costs nothing, which is retried until the caller's timeout; holds its last error, and is
        empty after a success. Without it, there are `max_attempts`, none after one that the service may have received.
        """
        costs, retry_after = errors is None, 0.0
        errors = [] if errors is None else errors
        for attempt in range(self._policy.max_attempts) if costs else count():
            if attempt:
                await self._policy.pause(attempt, retry_after)
            retry_after = 0.0
            try:
                answer = await send()
            except httpx2.RequestError as error:
                errors[:] = [tidy(f"{type(error).__name__}: {error}", self._key).rstrip(": ")]
                if costs and not isinstance(error, UNSENT_ERRORS):
                    raise HostedError(f"BFL's response was lost ({errors[0]}): {MAY_BE_CHARGED}") from None
            else:
                if not is_retried(answer):
                    errors.clear()
                    return answer
                errors[:], retry_after = [f"HTTP {answer.status}: {answer.detail}"], answer.retry_after
        attempts = f"{self._policy.max_attempts} attempts{_last_of(errors)}"
        raise HostedError(f"BFL couldn't serve the request in {attempts}")

    async def _send(self, method: str, url: httpx2.URL, *, keyed: bool, body: dict[str, Any] | None = None) -> Answer:
        headers = {"x-key": self._key} if keyed else {}
        data, limit = bytearray(), MAX_ANSWER_BYTES if keyed else MAX_BYTES
        async with self._http.stream(method, url, headers=headers, json=body) as response:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > limit:
                    raise HostedError(f"BFL sent more than {limit >> 20} MiB")
        return Answer(response.status_code, response.headers, bytes(data), self._key)


def new_client(policy: CallPolicy) -> httpx2.AsyncClient:
    """An HTTP client without the key. Without compression, so that the bytes received are the bytes kept in memory."""
    headers = {"user-agent": "brandpress", "accept-encoding": "identity"}
    return httpx2.AsyncClient(headers=headers, timeout=policy.io_timeout, follow_redirects=False)


def _cost(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _last_of(errors: list[str]) -> str:
    return f"; last error: {errors[-1]}" if errors else ""


def _is_unavailable(answer: Answer) -> bool:
    return answer.status == 429 or answer.status >= 500


def _is_unavailable_poll(answer: Answer) -> bool:
    """Whether a poll is retried. A failed task's status can come with a 5xx and won't change."""
    return _is_unavailable(answer) and answer.fields.get("status") not in FAILURES


def _hide_queries(record: logging.LogRecord) -> bool:
    """Removes queries from logged URLs, because a picture's URL is signed by its query."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx2.URL) else arg for arg in record.args)
    return True


logging.getLogger("httpx2").addFilter(_hide_queries)
