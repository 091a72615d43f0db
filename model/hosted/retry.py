"""How long is waited for what, and how often something is tried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
FIRST_POLL, LONGEST_POLL, POLL_GROWTH = 0.5, 2.0, 1.5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds. io: of connecting, and of each read and write. deadline: of a task, and of its picture's download, whose
    address is valid for 10 minutes. attempts: of one call, the first included. sleep: for tests."""

    io: float = 60.0
    deadline: float = 600.0
    attempts: int = 6
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def pause(self, attempt: int, asked: float) -> None:
        """Before attempt 1, 2…: what the service asked for, and a random part of 1, 2, 4… s; at most 60 s."""
        jitter = random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))  # noqa: S311 (no secret)
        await self.sleep(min(asked + jitter, LONGEST_PAUSE))


def poll_pauses() -> Iterator[float]:
    """Before each look at a task: 0.5 s, growing to 2 s, without end."""
    pause = FIRST_POLL
    while True:
        yield pause
        pause = min(pause * POLL_GROWTH, LONGEST_POLL)
