"""Order, limit and laziness of the window, without a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count

import pytest

from brandpress.model.hosted.window import in_order


class Started:
    """Futures that the test finishes. pulled: the number of items taken."""

    def __init__(self) -> None:
        self.futures: list[Future[int]] = []
        self.pulled = 0

    def items(self, until: int | None = None) -> Iterator[int]:
        for number in count():
            if number == until:
                raise OSError("no more")
            self.pulled += 1
            yield number

    def start(self, item: int) -> Future[int]:
        self.futures.append(Future())
        return self.futures[-1]

    def finish(self, *numbers: int) -> None:
        for number in numbers:
            self.futures[number].set_result(number)


def finished_future(item: int) -> Future[int]:
    future: Future[int] = Future()
    future.set_result(item)
    return future


def test_all_come_in_order() -> None:
    assert list(in_order(range(100), finished_future, 3)) == list(range(100))


def test_nothing_is_pulled_before_the_first_result() -> None:
    started = Started()
    results = in_order(started.items(), started.start, 3)
    assert started.pulled == 0
    results.close()  # type: ignore[attr-defined]


def test_the_limit_of_running_items_is_used() -> None:
    started = Started()
    results = in_order(started.items(), started.start, 3)
    pulled = []

    def finish() -> None:
        pulled.append(started.pulled)
        started.finish(0)

    threading.Timer(0.1, finish).start()
    assert next(results) == 0
    assert (pulled, started.pulled) == ([3], 4)
    started.finish(1, 2)
    assert next(results) == 1
    assert started.pulled == 6


def test_results_waiting_for_an_earlier_one_are_bounded() -> None:
    started = Started()
    results = in_order(started.items(), started.start, 2)
    tick = threading.Event()

    def finish() -> None:
        for number in (1, 2, 3):
            while len(started.futures) <= number:
                tick.wait(0.001)
            started.finish(number)
        tick.wait(0.05)
        started.finish(0)

    threading.Thread(target=finish).start()
    assert next(results) == 0
    assert started.pulled == 4


def test_an_error_of_the_items_is_raised_after_the_started_ones() -> None:
    started = Started()
    results = []
    with pytest.raises(OSError, match="no more"):
        for result in in_order(started.items(until=2), finished_future, 5):
            results.append(result)
    assert results == [0, 1]
