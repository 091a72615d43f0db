"""Order, limit, laziness: without a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count

import pytest

from brandpress.model.hosted.window import in_order


class Begun:
    """Futures that the test finishes. pulled: items that were taken."""

    def __init__(self) -> None:
        self.futures: list[Future[int]] = []
        self.pulled = 0

    def items(self, until: int | None = None) -> Iterator[int]:
        for number in count():
            if number == until:
                raise OSError("no more")
            self.pulled += 1
            yield number

    def begin(self, item: int) -> Future[int]:
        self.futures.append(Future())
        return self.futures[-1]

    def finish(self, *numbers: int) -> None:
        for number in numbers:
            self.futures[number].set_result(number)


def begin_done(item: int) -> Future[int]:
    future: Future[int] = Future()
    future.set_result(item)
    return future


def test_all_come_in_order() -> None:
    assert list(in_order(range(100), begin_done, 3)) == list(range(100))


def test_nothing_is_pulled_before_the_first_is_wanted() -> None:
    begun = Begun()
    results = in_order(begun.items(), begun.begin, 3)
    assert begun.pulled == 0
    results.close()  # type: ignore[attr-defined]


def test_as_many_are_under_way_as_are_allowed() -> None:
    begun = Begun()
    results = in_order(begun.items(), begun.begin, 3)
    pulled = []

    def finish() -> None:
        pulled.append(begun.pulled)
        begun.finish(0)

    threading.Timer(0.1, finish).start()
    assert next(results) == 0
    assert (pulled, begun.pulled) == ([3], 4)
    begun.finish(1, 2)
    assert next(results) == 1
    assert begun.pulled == 6


def test_those_that_wait_for_an_earlier_one_are_bounded() -> None:
    begun = Begun()
    results = in_order(begun.items(), begun.begin, 2)
    tick = threading.Event()

    def finish() -> None:
        for number in (1, 2, 3):
            while len(begun.futures) <= number:
                tick.wait(0.001)
            begun.finish(number)
        tick.wait(0.05)
        begun.finish(0)

    threading.Thread(target=finish).start()
    assert next(results) == 0
    assert begun.pulled == 4


def test_an_error_of_the_items_is_raised_after_what_was_begun() -> None:
    begun = Begun()
    seen = []
    with pytest.raises(OSError, match="no more"):
        for result in in_order(begun.items(until=2), begin_done, 5):
            seen.append(result)
    assert seen == [0, 1]
