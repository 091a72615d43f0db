"""Groups neighbouring requests that go through the transformer together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Batches(Generic[Request]):
    """Splits requests into batches of equal keys and at most `max_rows` rows, in order.

    A request with more rows gets a batch of its own. Reads at most one request ahead.
    """

    def __init__(self, key: Callable[[Request], Hashable], rows: Callable[[Request], int], max_rows: int) -> None:
        self._key, self._rows, self._max_rows = key, rows, max_rows

    def of(self, requests: Iterable[Request]) -> Iterator[list[Request]]:
        """Yields each batch when it's full or the next request has another key."""
        batch: list[Request] = []
        batch_rows = 0
        for request in requests:
            rows = self._rows(request)
            if batch and (batch_rows + rows > self._max_rows or self._key(request) != self._key(batch[0])):
                yield batch
                batch, batch_rows = [], 0
            batch.append(request)
            batch_rows += rows
            if batch_rows + rows > self._max_rows:  # the next request probably has as many rows: don't wait for it
                yield batch
                batch, batch_rows = [], 0
        if batch:
            yield batch
