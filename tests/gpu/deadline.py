"""An end to what takes too long."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType


class OutOfTimeError(BaseException):
    """A section had its time. No `Exception`: code that tries whether something works catches those."""


REPEAT_SECONDS = 5.0
"""A deadline is told again, should something have swallowed it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in what is inside once so many seconds have passed. In the main thread only.

    A call into C is waited for: see `end_at` for what never returns from one.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError(f"more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.1), REPEAT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def end_at(seconds: float, last_words: Callable[[], None]) -> Iterator[None]:
    """End the whole process, after `last_words`, should what is inside take so many seconds."""

    def end() -> None:
        last_words()
        os._exit(1)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
