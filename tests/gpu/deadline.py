"""Time limits."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType


class OutOfTimeError(BaseException):
    """A section's time is up. Not an `Exception`, because code that probes for features catches those."""


REPEAT_SECONDS = 5.0
"""How often the deadline's signal repeats, in case something swallowed the error."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError inside the block after `seconds`. Works in the main thread only.

    It waits for a running call into C; `end_at` ends a process whose call never returns.
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
    """Call `last_words` and end the whole process if the block takes longer than `seconds`."""

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
