"""Signals are taken while a run needs them, and given back."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from brandpress.pipeline.render.driver.interrupt import SIGNALS, interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_and_the_second_raises(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with interrupts() as signals:
        assert not signals.asked
        os.kill(os.getpid(), number)
        assert signals.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_signals_that_somebody_took_are_taken_back() -> None:
    with interrupts() as signals:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signals.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.asked


def test_beside_the_main_thread_nothing_is_asked() -> None:
    def run() -> bool:
        with interrupts() as signals:
            signals.listen()
            return signals.asked

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(run).result() is False
