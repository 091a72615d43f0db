"""Signal handlers are installed for a run and restored afterwards."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from brandpress.pipeline.render.driver.interrupt import SIGNALS, stop_signal


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_recorded_and_the_second_raises(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signal() as stop:
        assert not stop.received
        os.kill(os.getpid(), number)
        assert stop.received
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_listen_replaces_handlers_that_others_installed() -> None:
    with stop_signal() as stop:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.received


def test_other_threads_receive_no_signals() -> None:
    def run() -> bool:
        with stop_signal() as stop:
            stop.listen()
            return stop.received

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(run).result() is False
