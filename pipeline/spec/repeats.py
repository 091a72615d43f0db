"""Which of many values stand there more than once, found with eight bytes for each and not the values themselves."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Hashable

_BUCKETS = 256


class Repeats:
    """Takes values one by one and keeps their hashes. Values that differ may, very rarely, have one hash, so that what
    is found has to be looked at again; nothing that is repeated is missed."""

    def __init__(self) -> None:
        self._buckets = [array("q") for _ in range(_BUCKETS)]

    def add(self, value: Hashable) -> None:
        """Takes one more value."""
        digest = hash(value)
        self._buckets[digest % _BUCKETS].append(digest)

    def hashes(self) -> frozenset[int]:
        """`hash(value)` of the values that were added more than once."""
        repeated = [bucket for bucket in self._buckets if len(set(bucket)) < len(bucket)]
        return frozenset(digest for bucket in repeated for digest, count in Counter(bucket).items() if count > 1)

    def distinct(self) -> int:
        """How many values differ."""
        return sum(len(set(bucket)) for bucket in self._buckets)
