"""Runs a bounded number of tasks concurrently and yields their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterable[Item], start: Callable[[Item], Future[Result]], in_flight: int) -> Iterator[Result]:
    """Yields the results of `start` in the order of the items, with at most `in_flight` running.

    Items are pulled lazily. Counting results that wait for an earlier one, at most twice `in_flight` are in the window.
    An error of `items` is raised only after all started items were yielded, because they may have cost money.
    """
    source, window = iter(items), deque[Future[Result]]()
    more, failure = True, None
    while True:
        while more and len(window) < 2 * in_flight and sum(not future.done() for future in window) < in_flight:
            try:
                item = next(source)
            except StopIteration:
                more = False
            except Exception as error:
                more, failure = False, error
            else:
                window.append(start(item))
        if not window:
            break
        if window[0].done():
            yield window.popleft().result()
        else:
            wait([future for future in window if not future.done()], return_when=FIRST_COMPLETED)
    if failure is not None:
        raise failure
