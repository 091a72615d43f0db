"""Requests that go through the transformer together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Batches(Generic[Request]):
    """Neighbours of one kind, as many as `most` rows hold; the order stays. At most one request is read ahead."""

    def __init__(self, kind: Callable[[Request], Hashable], rows: Callable[[Request], int], most: int) -> None:
        self._kind, self._rows, self._most = kind, rows, most

    def of(self, requests: Iterable[Request]) -> Iterator[list[Request]]:
        """The batches, each given when it's full or its neighbour is of another kind."""
        batch: list[Request] = []
        rows = 0
        for request in requests:
            more = self._rows(request)
            if batch and (rows + more > self._most or self._kind(request) != self._kind(batch[0])):
                yield batch
                batch, rows = [], 0
            batch.append(request)
            rows += more
            if rows + more > self._most:  # a neighbour takes about as many: don't wait for it
                yield batch
                batch, rows = [], 0
        if batch:
            yield batch
