"""Ctrl-C and SIGTERM: the first signal asks a run to finish, the second ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """Records whether a signal has asked the run to stop."""

    def __init__(self) -> None:
        self._received = False

    @property
    def received(self) -> bool:
        """Whether a signal has come."""
        return self._received

    def listen(self) -> None:
        """Installs the signal handlers. Call it again after Ray has started, which installs its own.

        Does nothing outside the main thread, where Python delivers no signals.
        """
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._received:
            raise KeyboardInterrupt
        self._received = True


@contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Listens for signals during the block: the first sets `received`, the second raises KeyboardInterrupt."""
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    stop = StopSignal()
    stop.listen()
    try:
        yield stop
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in previous.items():
                signal.signal(number, handler)
