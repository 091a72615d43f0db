"""An end to what takes too long."""

from __future__ import annotations

import signal
import time

import pytest

from tests.gpu.deadline import OutOfTimeError, deadline


def test_what_takes_too_long_is_ended() -> None:
    start = time.monotonic()
    with pytest.raises(OutOfTimeError, match="more than 0 s"), deadline(0.2):
        time.sleep(60)
    assert time.monotonic() - start < 30


def test_what_is_done_in_time_leaves_nothing_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(0.3):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
    time.sleep(0.4)  # nothing comes


def test_an_error_of_its_own_is_passed_on() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(ValueError, match="broken"), deadline(60):
        raise ValueError("broken")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
