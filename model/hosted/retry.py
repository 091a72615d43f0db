"""Timeouts, retries and polling intervals of calls to BFL's API."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

FIRST_BACKOFF, MAX_PAUSE = 1.0, 60.0
FIRST_POLL, MAX_POLL, POLL_GROWTH = 0.5, 2.0, 1.5


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Timeouts in seconds and the number of attempts, for calls to BFL's API.

    io_timeout: for connecting, and for each read and write. task_timeout: for a task, and for the download of its
    picture, whose URL is valid for 10 minutes; until then, polls and downloads are retried. max_attempts: of a
    submission, including the first. sleep: replaced in tests.
    """

    io_timeout: float = 60.0
    task_timeout: float = 600.0
    max_attempts: int = 6
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def pause(self, attempt: int, retry_after: float) -> None:
        """Sleeps before retry 1, 2…: the service's `retry_after` plus a random part of 1, 2, 4… s; at most 60 s."""
        jitter = random.uniform(0, min(MAX_PAUSE, FIRST_BACKOFF * 2 ** min(attempt - 1, 9)))  # noqa: S311 (no secret)
        await self.sleep(min(retry_after + jitter, MAX_PAUSE))


def poll_pauses() -> Iterator[float]:
    """Yields the pauses before each poll of a task: 0.5 s, growing to 2 s, without end."""
    pause = FIRST_POLL
    while True:
        yield pause
        pause = min(pause * POLL_GROWTH, MAX_POLL)
