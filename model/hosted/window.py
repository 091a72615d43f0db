"""Many things at once, given back in their order, and only as many as are wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(items: Iterable[Item], begin: Callable[[Item], Future[Result]], in_flight: int) -> Iterator[Result]:
    """The results of `begin` in the order of the items, at most `in_flight` under way.

    An item is pulled when there is room for it: with those that are done and wait for an earlier one, at most twice
    `in_flight` are out. An error of `items` is raised after what was begun is given back: it may have cost money.
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
                window.append(begin(item))
        if not window:
            break
        if window[0].done():
            yield window.popleft().result()
        else:
            wait([future for future in window if not future.done()], return_when=FIRST_COMPLETED)
    if failure is not None:
        raise failure
