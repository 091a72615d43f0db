"""Time limits of blocks of code."""

from __future__ import annotations

import signal
import time

import pytest

from tests.gpu.deadline import OutOfTimeError, deadline


def test_a_block_is_interrupted_at_its_deadline() -> None:
    finished = False
    with pytest.raises(OutOfTimeError, match="more than 0 s"), deadline(0.2):
        time.sleep(60)
        finished = True
    assert not finished


def test_no_timer_is_left_after_the_block() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with deadline(0.3):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
    time.sleep(0.4)  # a timer left running would raise here


def test_the_blocks_own_error_is_raised() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(ValueError, match="broken"), deadline(60):
        raise ValueError("broken")
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before
