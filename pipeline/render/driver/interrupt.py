"""Ctrl-C and SIGTERM: the first asks a run to finish, the second ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self._asked = False

    @property
    def asked(self) -> bool:
        """A signal has come."""
        return self._asked

    def listen(self) -> None:
        """Take the signals; again, when somebody else (Ray, when it starts) has taken them since.

        Outside of the main thread, where Python takes no signals, nothing is ever asked.
        """
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Listens while the block runs: the first signal sets `asked`, the second raises KeyboardInterrupt."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    interrupts = Interrupts()
    interrupts.listen()
    try:
        yield interrupts
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
